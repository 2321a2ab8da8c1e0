"""Cuts lines out of pages and straightens them along their baseline."""

import cv2
import numpy as np

from preprocessing.page.layout import Line

# Pixels between the points at which a baseline's direction is taken: shorter pieces follow its jitter.
SMOOTH = 40
LEAST_LENGTH = 3  # pixels of a baseline
LONG = 2.5  # length over height above which a line without a baseline runs along its longer side
MOST_COLUMNS = 2**14  # that are cut at once
PAPER_PERCENTILE = 85  # of a line's pixels, the brightness of its paper


def cut_strip(page: np.ndarray, line: Line) -> np.ndarray:
    """Returns the straightened picture of a line, paper outside its polygon.

    The strip's rows run parallel to the baseline and its columns across it; without a baseline the polygon's rectangle
    of least area is cut.

    Args:
        page: uint8 (h, w) or (h, w, 3).

    Returns:
        uint8 (h', w') or (h', w', 3), as large as the line is on the page.
    """
    points, normals, rows = _grid(line)
    source = points[None] + rows[:, None, None] * normals[None]
    page, source, corner = _part(page, source)
    polygon = np.array(line.polygon, np.float32) - corner
    strip = _remap(page, source, cv2.BORDER_REPLICATE)
    outline = np.zeros(page.shape[:2], np.uint8)
    cv2.fillPoly(outline, [np.rint(polygon).astype(np.int32)], 255)
    inside = _remap(outline, source, cv2.BORDER_CONSTANT) > 127
    if inside.any():
        strip[~inside] = np.percentile(strip[inside], PAPER_PERCENTILE, axis=0)
    return strip


def _remap(pixels: np.ndarray, source: np.ndarray, border: int) -> np.ndarray:
    """Returns the pixels at the places `source`, (h, w, 2); in parts, as OpenCV refuses sides of 2**15 pixels."""
    parts = np.array_split(source, -(-source.shape[1] // MOST_COLUMNS), axis=1)
    needed = [_part(pixels, part)[:2] for part in parts] if len(parts) > 1 else [(pixels, source)]
    return cv2.hconcat([cv2.remap(*part, None, cv2.INTER_LINEAR, borderMode=border) for part in needed])


def _part(pixels: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the part of a picture that holds the places `source`, these places in it, and its corner (x, y)."""
    most = np.array(pixels.shape[1::-1])
    left, top = np.floor(source.min(axis=(0, 1))).astype(int).clip(0, most - 1)
    right, bottom = np.ceil(source.max(axis=(0, 1))).astype(int).clip(0, most - 1) + 1
    corner = np.array([left, top], np.float32)
    return pixels[top:bottom, left:right], source - corner, corner


def box_on_page(line: Line, start: float, end: float) -> tuple[int, int, int, int]:
    """Returns the box (left, top, width, height) on the page of a strip's columns, shares 0 to 1 of its width."""
    points, normals, rows = _grid(line)
    first, last = (min(len(points) - 1, max(0, round(share * (len(points) - 1)))) for share in (start, end))
    part, down = points[first : last + 1], normals[first : last + 1]
    corners = np.vstack([part + rows[0] * down, part + rows[-1] * down])
    # The rows of a slanted strip may reach beyond the page, its outline does not.
    corners = corners.clip(np.maximum(0, np.min(line.polygon, axis=0)), np.maximum(0, np.max(line.polygon, axis=0)))
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    return left, top, right - left, bottom - top


def _grid(line: Line) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the points and normals of the strip's columns, (length, 2), and its rows as distances from the points."""
    polygon = np.array(line.polygon, np.float32)
    baseline = np.array(line.baseline, np.float32)
    if len(baseline) < 2 or _lengths(baseline)[-1] < LEAST_LENGTH:
        baseline = np.array(_middle(polygon), np.float32)
    points, normals = _along(baseline, polygon)
    # Distance of the outline from the baseline, above (negative) and below.
    nearest = np.abs(polygon[:, None] - points[None]).sum(axis=2).argmin(axis=1)
    across = ((polygon - points[nearest]) * normals[nearest]).sum(axis=1)
    rows = np.arange(np.floor(across.min()), np.ceil(across.max()) + 1, dtype=np.float32)
    return points, normals, rows


def _middle(polygon: np.ndarray) -> list[tuple[float, float]]:
    """Returns a stand-in for a missing baseline: the middle line of the rectangle of least area, left to right.

    It is parallel to the longer side, but of a short line, such as a number, to the one that is nearer to level.
    """
    centre, (width, height), angle = cv2.minAreaRect(polygon)
    is_long = max(width, height) > LONG * min(width, height)
    along_width = width >= height if is_long else abs(np.sin(np.radians(angle))) < np.sqrt(0.5)
    length = width if along_width else height
    turn = np.radians(angle if along_width else angle + 90)
    step = np.array([np.cos(turn), np.sin(turn)]) * length / 2
    ends = sorted([tuple(np.array(centre) - step), tuple(np.array(centre) + step)])
    return [(float(x), float(y)) for x, y in ends]


def _along(baseline: np.ndarray, polygon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns points a pixel apart along the baseline, extended to the outline's ends, and the normals (down) there.

    Both are float32 (length, 2).
    """
    first, last = _end_direction(baseline), -_end_direction(baseline[::-1])
    before = min(0.0, float(((polygon - baseline[0]) @ first).min()))
    after = max(0.0, float(((polygon - baseline[-1]) @ last).max()))
    path = np.vstack([baseline[0] + before * first, baseline, baseline[-1] + after * last])
    lengths = _lengths(path)
    steps = np.arange(0, max(1.0, lengths[-1]), dtype=np.float32)
    points = np.stack([np.interp(steps, lengths, path[:, axis]) for axis in (0, 1)], axis=1)
    ends = (np.clip(steps + shift, 0, lengths[-1]) for shift in (-SMOOTH, SMOOTH))
    start, end = (np.stack([np.interp(at, lengths, path[:, axis]) for axis in (0, 1)], axis=1) for at in ends)
    tangents = end - start
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-6)
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)
    return points.astype(np.float32), normals.astype(np.float32)


def _end_direction(baseline: np.ndarray) -> np.ndarray:
    """Returns the direction, (2,), in which a baseline begins, without hooks and double points at its end."""
    lengths = _lengths(baseline)
    inner = [np.interp(min(SMOOTH, lengths[-1]), lengths, baseline[:, axis]) for axis in (0, 1)]
    return _unit(np.array(inner, np.float32) - baseline[0])


def _lengths(path: np.ndarray) -> np.ndarray:
    """Returns the length, (n,) in pixels, of a path of points (n, 2) up to each of them."""
    return np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)

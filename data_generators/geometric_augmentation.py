"""Geometric distortions of a word image, all in one resampling, since each one blurs thin strokes.

Flips, shifts, rotation, zoom and shear are factors of one 2x3 matrix; the elastic field is added to the coordinates
that it is applied to. Points are (x, y) with pixel *edges* at whole numbers (the first pixel covers 0..1), except in
the final matrix: in OpenCV pixel *centres* are whole numbers.
"""

import math
from typing import Any

import cv2
import numpy as np

from preprocessing.ink import PAPER
from utils.config.data_aug import DataAugConfig

BORDER: dict[str, Any] = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (PAPER, PAPER, PAPER)}
# A pixel counts as ink from this fraction of the darkest pixel's darkness. Paper grain and the faint rim of blurred
# strokes are below it and may leave the canvas.
INK_SHARE = 0.25
# Width over height above which an image is turned less, and its ends rise less: lines would be squeezed.
LONGEST_TURNED = 8


def warp(image: np.ndarray, aug: DataAugConfig, rng: np.random.Generator, max_width: int) -> np.ndarray:
    """Draws and applies all geometric distortions to a uint8 image (height, width) or (height, width, 3), paper 255.

    Returns a new image of the same height, wide enough for the moved ink, but at most max_width.
    """
    height, width = image.shape[:2]
    if not aug.moves_ink and width <= max_width:
        return image.copy()
    linear, zoom_x = _draw_linear(aug, rng, min(1.0, LONGEST_TURNED * height / width) ** 2)
    right = _symmetric(aug.width_shift_range, rng) * width
    shift = right, _symmetric(aug.height_shift_range, rng) * height
    matrix, out_width = _fit_canvas(image, linear, zoom_x, shift, aug.elastic_range, max_width)
    if aug.elastic_range == 0:
        return cv2.warpAffine(image, matrix, (out_width, height), flags=cv2.INTER_LINEAR, **BORDER)
    source = elastic_field(height, out_width, aug.elastic_range, aug.elastic_grid, rng)
    source[..., 0] += np.arange(out_width, dtype=np.float32)
    source[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    source = cv2.transform(source, cv2.invertAffineTransform(matrix))
    return cv2.remap(image, source, None, cv2.INTER_LINEAR, **BORDER)


def slant_and_zoom(image: np.ndarray, slant: float, zoom: float, max_width: int) -> np.ndarray:
    """Slants the word by `slant` degrees to the right and scales it by `zoom`; arguments as for `warp`."""
    linear = _rotate_shear(0, math.radians(slant)) * zoom
    matrix, out_width = _fit_canvas(image, linear, zoom, (0, 0), 0, max_width)
    return cv2.warpAffine(image, matrix, (out_width, image.shape[0]), flags=cv2.INTER_LINEAR, **BORDER)


def elastic_field(height: int, width: int, reach: float, grid: float, rng: np.random.Generator) -> np.ndarray:
    """Returns smooth random displacements, float32 (height, width, 2): x and y in pixels, within +-reach.

    Elastic distortion after Simard et al., "Best practices for convolutional neural networks applied to visual document
    analysis" (2003), who smooth noise per pixel. Here control points `grid` pixels apart are displaced uniformly and
    interpolated cubically, which keeps their magnitude.
    """
    rows, columns = math.ceil(height / grid) + 1, math.ceil(width / grid) + 1
    control = rng.random((rows, columns, 2), dtype=np.float32)
    control *= 2 * reach
    control -= reach
    field = cv2.resize(control, (round(columns * grid), round(rows * grid)), interpolation=cv2.INTER_CUBIC)
    # `resize` puts the outermost control points half a cell inside its result.
    start = int(grid / 2)
    field = field[start : start + height, start : start + width]
    return np.clip(field, -reach, reach)  # cubic interpolation overshoots between control points


def ink_box(image: np.ndarray) -> tuple[int, int, int, int]:
    """Returns the edges (left, top, right, bottom) of the ink in pixels; without ink those of the image."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    darkest = cv2.minMaxLoc(gray)[0]
    level = PAPER - INK_SHARE * (PAPER - darkest)
    left, top, width, height = cv2.boundingRect(cv2.threshold(gray, level, 1, cv2.THRESH_BINARY_INV)[1])
    if darkest == PAPER or width == 0:
        return 0, 0, image.shape[1], image.shape[0]
    return left, top, left + width, top + height


def _symmetric(limit: float, rng: np.random.Generator) -> float:
    """Draws uniformly from +-limit; draws nothing when the limit is 0, the distortion being off."""
    return rng.uniform(-limit, limit) if limit else 0.0


def _draw_linear(aug: DataAugConfig, rng: np.random.Generator, turned: float) -> tuple[np.ndarray, float]:
    """Draws flip, zoom, shear and rotation, applied in this order; returns matrix (2, 2) and zoom along x.

    `turned` is the share of the rotation that is used. Positive rotation is counter-clockwise, positive shear leans to
    the right.
    """
    flip_x = -1 if aug.horizontal_flip and rng.random() < 0.5 else 1
    flip_y = -1 if aug.vertical_flip and rng.random() < 0.5 else 1
    turn = math.radians(turned * _symmetric(aug.rotation_range, rng))
    low, high = aug.zoom_range
    zoom_x, zoom_y = (1.0, 1.0) if low == high == 1 else rng.uniform(low, high, 2).tolist()
    slant = math.radians(_symmetric(aug.shear_range, rng))
    return _rotate_shear(turn, slant) * (flip_x * zoom_x, flip_y * zoom_y), zoom_x


def _rotate_shear(turn: float, slant: float) -> np.ndarray:
    """Returns the matrix (2, 2) of a shear followed by a rotation, angles in radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([[cos, sin - cos * math.tan(slant)], [-sin, cos + sin * math.tan(slant)]])


def _fit_canvas(
    image: np.ndarray, linear: np.ndarray, zoom_x: float, shift: tuple[float, float], margin: float, max_width: int
) -> tuple[np.ndarray, int]:
    """Completes `linear`, applied around the canvas centre, so that no ink leaves the canvas.

    The canvas is zoomed with the word and widened where ink would leave it; the ink is squeezed only where max_width or
    the height requires it. `shift` is to the right and down, `margin` how far the elastic field may move the ink, in
    pixels. Returns the matrix (2, 3) from input to output pixel centres, and the output width.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = ink_box(image)
    centre = np.array([width / 2, height / 2])
    corners = linear @ (np.array([[left, right, left, right], [top, top, bottom, bottom]]) - centre[:, None])
    (low_x, low_y), (high_x, high_y) = corners.min(axis=1).tolist(), corners.max(axis=1).tolist()

    margin_y = min(margin, height / 4)
    scale_y = min(1.0, (height - 2 * margin_y) / (high_y - low_y))
    centre_y = max(height / 2 + shift[1], margin_y - scale_y * low_y)
    centre_y = min(centre_y, height - margin_y - scale_y * high_y)

    canvas = max(1, round(width * zoom_x))
    centre_x = canvas / 2 + shift[0]
    low_x, high_x = centre_x + low_x - margin, centre_x + high_x + margin
    start, end = min(0, math.floor(low_x)), max(canvas, math.ceil(high_x))
    scale_x = min(1.0, max_width / (high_x - low_x))
    start = min(max(start, high_x - max_width), low_x)  # beyond max_width, paper is cut first

    scaled = linear * np.array([[scale_x], [scale_y]])
    offset = np.array([scale_x * (centre_x - start), centre_y]) + scaled @ (0.5 - centre) - 0.5
    return np.column_stack([scaled, offset]), min(end - math.floor(start), max_width)

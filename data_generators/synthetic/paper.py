"""Turns ink coverage into a scanned word crop: pen colour, paper, scanner and imprecise cropping."""

import functools

import cv2
import numpy as np

BINARISED_SHARE = 0.38  # of IAM's crops
_SCAN_SHARE = 0.13  # with grey paper everywhere; the rest is white outside the boxes of the strokes


def put_on_paper(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a crop as in IAM (uint8 grey) for ink coverage (float32, h x w, 0 paper .. 1 ink).

    It may be a few pixels larger or smaller than the coverage.
    """
    coverage = _recrop(coverage, rng)
    roll = rng.random()
    if roll < BINARISED_SHARE:
        return _binarise(coverage, rng)
    return _shade(coverage, rng, whitened=roll > BINARISED_SHARE + _SCAN_SHARE)


def _recrop(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sometimes cuts into the word, leaves paper around it, or adds ink of a neighbour."""
    height, width = coverage.shape
    roll = rng.random()
    if roll < 0.06 and min(height, width) > 25:
        cut = max(1, int(rng.uniform(0.01, 0.07) * height))
        side = rng.integers(4)
        coverage = (coverage[cut:], coverage[:-cut], coverage[:, cut:], coverage[:, :-cut])[side]
    elif roll < 0.3:
        top, bottom, left, right = rng.integers(0, 5, size=4).tolist()
        coverage = cv2.copyMakeBorder(coverage, top, bottom, left, right, cv2.BORDER_CONSTANT)
    if rng.random() < 0.06 and height > 30 and width > 30:
        coverage = _add_stray_mark(coverage, rng)
    return coverage


def _add_stray_mark(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws the end of a stroke of the line above or below."""
    height, width = coverage.shape
    x = int(rng.uniform(0, width))
    inward = int(rng.uniform(2, 0.2 * height))
    start, end = (0, inward) if rng.random() < 0.5 else (height - 1, height - 1 - inward)
    slant = int(rng.normal(0, 6))
    marked = np.ascontiguousarray(coverage)
    cv2.line(marked, (x, start), (x + slant, end), 1.0, int(rng.integers(2, 5)))
    return marked


def _binarise(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns black and white with the ragged edges of a thresholded scan."""
    roughness = rng.uniform(0.0, 0.16)
    return np.where(coverage + roughness * _grain(coverage.shape, rng) > 0.6, 0, 255).astype(np.uint8)


def _shade(coverage: np.ndarray, rng: np.random.Generator, whitened: bool) -> np.ndarray:
    """Returns grey ink on grainy paper; with `whitened`, the paper is white away from the strokes."""
    soft = cv2.GaussianBlur(coverage, (5, 5), rng.uniform(0.5, 1.1))
    grain = _grain(coverage.shape, rng)
    ink = rng.uniform(5, 120) if rng.random() < 0.35 else min(max(rng.normal(88, 20), 40), 130)
    paper = min(max(rng.normal(247, 4), 228), 254)
    sheet = paper + rng.uniform(0.5, 3) * grain
    # The ink of a dry pen shows the paper's grain.
    image = sheet + soft * (ink - paper + rng.uniform(1, 12) * _grain(coverage.shape, rng))
    image = np.clip(image, 0, 255, out=image).astype(np.uint8)
    return _whiten(image, coverage) if whitened else image


def _whiten(image: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Whitens the paper outside the bounding boxes of connected strokes, as IAM's segmentation does."""
    boxes = cv2.connectedComponentsWithStats((coverage > 0.2).astype(np.uint8))[2][1:]
    result = np.full_like(image, 255)
    for x, y, width, height, _ in boxes:
        area = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
        result[area] = image[area]
    return result


@functools.cache
def _grain_sheet() -> np.ndarray:
    """Returns blurred noise of unit deviation, drawn once: noise per word would cost more than the word."""
    noise = np.random.default_rng(0).standard_normal((509, 1021), dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (3, 3), 0.6, borderType=cv2.BORDER_REFLECT)
    return noise / noise.std()


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Returns a random piece of the grain sheet, which repeats if the shape exceeds it."""
    sheet = _grain_sheet()
    top, left = (int(rng.integers(side)) for side in sheet.shape)
    rows = (top + np.arange(shape[0])) % sheet.shape[0]
    columns = (left + np.arange(shape[1])) % sheet.shape[1]
    return sheet[np.ix_(rows, columns)]

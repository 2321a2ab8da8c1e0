"""Brings pictures of handwriting to dark ink on white paper, without shadows, rulings, specks and wide margins.

Each step is a function of its own on grey pixels, uint8 (h, w); all use standard operators of OpenCV.
"""

import cv2
import numpy as np

from preprocessing.ink import PAPER, grown, ink_mask, stroke_width, whiten
from preprocessing.rulings import LEAST_SIZE, remove_rulings
from preprocessing.writing import skew, turn_upright
from utils.config.image import NormaliserConfig

# Pixels, and those of one side, above which a picture is halved: a word or a line needs no more.
LARGEST, LONGEST = 2**22, 2**16
# Pixels of the shorter side at which paper and polarity are estimated: enough for strokes, fast for photos.
COARSE = 64
LONG_SIDE = 4096  # pixels of a longer side for the same
# Paper is light above this grey level, and even if no part of it is darker than this share of the brightest.
LIGHT, EVEN = 140, 0.85
CLEAR = 0.9  # skewness of light strokes where they may as well be the paper between bold ones
SPECK = 0.25
# Depth of a valley, or height of a ridge, as a part of the brightness, below which it is no stroke, and its pixels.
SHALLOW, FEW = 0.1, 4


def normalise(pixels: np.ndarray, steps: NormaliserConfig) -> np.ndarray:
    """Runs the steps that are switched on, in their order.

    Args:
        pixels: uint8 (h, w) or (h, w, 3) RGB.

    Returns:
        uint8 (h', w'), paper 255; without ink, a picture of paper alone.
    """
    grey = pixels = halve_large(pixels)
    if pixels.ndim == 3:
        grey = ink_channel(pixels) if steps.channel else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    light = even_paper(grey) if steps.paper or steps.polarity else 0.0
    if steps.paper and is_blank(grey, light):
        return np.full_like(grey, PAPER)
    if steps.polarity:
        dark = darken_ink(grey, light)
        light = light if dark is grey else even_paper(dark)
        grey = dark
    if steps.paper:
        grey = divide_by_paper(grey, light)
    if steps.rulings:
        grey = remove_rulings(grey)
    if steps.specks:
        grey = remove_specks(grey)
    if steps.trim:
        grey = trim(grey)
    if steps.upright:
        grey = turn_upright(grey)
    return straighten(grey) if steps.straighten else grey


def halve_large(pixels: np.ndarray) -> np.ndarray:
    """Halves a picture, uint8 (h, w) or (h, w, 3), until it has at most LARGEST pixels and sides of at most LONGEST."""
    while pixels.shape[0] * pixels.shape[1] > LARGEST or max(pixels.shape[:2]) > LONGEST:
        half = [max(1, round(side / 2)) for side in pixels.shape[1::-1]]
        pixels = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA)
    return pixels


def ink_channel(pixels: np.ndarray) -> np.ndarray:
    """Returns the grey mix or colour channel that separates ink and paper best, by Otsu's criterion.

    Args:
        pixels: uint8 (h, w, 3) RGB.
    """
    coarse = _shrunk(pixels)
    mixes = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), *cv2.split(pixels)]
    small = [cv2.cvtColor(coarse, cv2.COLOR_RGB2GRAY), *cv2.split(coarse)]
    scores = [_separability(one) for one in small]
    # The usual mix has the least noise: another one has to be clearly better.
    best = int(np.argmax(scores))
    return mixes[best] if scores[best] > 1.1 * scores[0] else mixes[0]


def darken_ink(grey: np.ndarray, light: float) -> np.ndarray:
    """Inverts light ink on dark paper; `light` is the picture's `even_paper`.

    Ink is thin: differences to the local median are large where it is, so their third moment has its sign. Pictures too
    small for that are returned unchanged.
    """
    if min(grey.shape) < LEAST_SIZE:
        return grey
    least = 0.0
    if light:
        # Light strokes may reach into all parts of a tight picture, but they don't fill most of it.
        if 2 * np.count_nonzero(grey >= LIGHT) > grey.size:
            return grey
        least = CLEAR
    small = _shrunk(grey)
    reach = min(127, max(4, min(small.shape) * 3 // 8))
    padded = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    median = cv2.medianBlur(padded, 2 * reach + 1)[reach:-reach, reach:-reach]
    difference = small.astype(np.float32) - median
    skewness = (difference**3).mean() / max(1.0, (difference**2).mean()) ** 1.5
    return PAPER - grey if skewness > least else grey


def divide_by_paper(grey: np.ndarray, light: float) -> np.ndarray:
    """Divides by the paper's brightness: `light`, its `even_paper`, else a closing wider than strokes; shadows go."""
    if light:
        return whiten(grey, light)
    small = _shrunk(grey)
    # Wider than the thickest stroke of a scan, so that a full stop is not taken for paper.
    reach = max(31, int(0.35 * min(small.shape))) | 1
    padded = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(cv2.GaussianBlur(padded, (0, 0), 1), cv2.MORPH_CLOSE, element)
    paper = cv2.medianBlur(closed, min(31, reach))[reach:-reach, reach:-reach]
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.divide(grey, np.maximum(paper, 1), scale=PAPER)


def is_blank(grey: np.ndarray, light: float) -> bool:
    """Returns whether an unevenly lit picture has only slopes, and neither valleys nor ridges such as strokes.

    None of 2,568 IAM words and 806 lines of other hands is found blank. `light` is the picture's `even_paper`.
    """
    if min(grey.shape) < LEAST_SIZE or light:  # The smallest may be a full stop, blurred.
        return False
    small = _shrunk(grey)
    reach = max(9, int(0.35 * min(small.shape))) | 1
    # Beyond its edges a slope continues: mirrored, its dark end would be a valley.
    smooth = cv2.GaussianBlur(small, (0, 0), 1, borderType=cv2.BORDER_REPLICATE)
    padded = cv2.copyMakeBorder(smooth, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    for hats in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        depth = cv2.morphologyEx(padded, hats, element)[reach:-reach, reach:-reach].astype(np.float32)
        lighter = smooth + depth if hats == cv2.MORPH_BLACKHAT else smooth
        # A full stop on wide paper is few pixels; fewer are noise.
        if np.partition((depth / np.maximum(lighter, 1)).ravel(), -FEW)[-FEW] >= SHALLOW:
            return False
    return True


def even_paper(grey: np.ndarray) -> float:
    """Returns the brightness of light paper that is seen alike in all parts of the picture; 0 if it is not."""
    if min(grey.shape) < LEAST_SIZE:
        return 0.0
    step = max(1, min(grey.shape) // COARSE)
    # Long strips more coarsely: the time grows with the side times the box.
    rows, columns = (max(step, side // LONG_SIDE) for side in grey.shape)
    sample = grey[::rows, ::columns]
    # Boxes wider than strokes: the brightest pixel of each is paper.
    paper = cv2.dilate(sample, np.ones([max(LEAST_SIZE, side // 3) for side in sample.shape], np.uint8))
    darkest, brightest = cv2.minMaxLoc(paper)[:2]
    return float(paper.mean()) if brightest >= LIGHT and darkest >= EVEN * brightest else 0.0


def remove_specks(grey: np.ndarray) -> np.ndarray:
    """Whitens spots smaller than a dot of this pen: of less than SPECK of its stroke width squared."""
    ink = ink_mask(grey)
    number, parts, statistics, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        ink.view(np.uint8), 8, cv2.CV_16U if grey.size < 2**16 else cv2.CV_32S, cv2.CCL_DEFAULT
    )
    if number <= 2:
        return grey
    small = statistics[:, cv2.CC_STAT_AREA] < SPECK * stroke_width(ink) ** 2
    small[0] = False
    if not small.any():
        return grey
    specks = small[parts]
    return np.where(grown(specks) & ~(ink & ~specks), np.uint8(PAPER), grey)


def trim(grey: np.ndarray) -> np.ndarray:
    """Cuts off the paper around the ink, but for one pixel; a picture of paper alone if there is no ink."""
    ink = ink_mask(grey)
    if not ink.any():
        return np.full(grey.shape, PAPER, np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return grey[max(0, rows[0] - 1) : rows[-1] + 2, max(0, columns[0] - 1) : columns[-1] + 2]


def straighten(grey: np.ndarray) -> np.ndarray:
    """Turns writing that clearly rises or falls level, and trims it."""
    degrees = skew(grey)
    if not degrees:
        return grey
    rise = int(abs(np.tan(np.radians(degrees))) * grey.shape[1] / 2) + 2
    # The area from outside is filled with the picture's own paper level; beside white, that paper would be ink.
    paper = int(np.median(grey[~ink_mask(grey)]))
    grey = cv2.copyMakeBorder(grey, rise, rise, 4, 4, cv2.BORDER_CONSTANT, value=paper)
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return trim(cv2.warpAffine(grey, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=paper))


def _separability(grey: np.ndarray) -> float:
    """Returns Otsu's criterion, the variance between two classes as a part of the paper's brightness squared."""
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dark = grey <= threshold
    if dark.all() or not dark.any():
        return 0.0
    weight, light = dark.mean(), float(grey[~dark].mean())
    return float(weight * (1 - weight) * ((light - grey[dark].mean()) / max(light, 1)) ** 2)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    factor = COARSE / min(pixels.shape[:2])
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels

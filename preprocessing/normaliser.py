"""Brings pictures of handwriting to dark ink on white paper, without shadows, rulings, specks and wide margins.

Each step is a function of its own on grey pixels, uint8 (h, w); all use standard operators of OpenCV.
"""

import cv2
import numpy as np

from utils.config.image import NormaliserConfig

PAPER = 255
# Pixels of the shorter side at which paper and polarity are estimated: enough for strokes, fast for photos.
COARSE = 64
# Below this Otsu threshold's distance of ink and paper, as a part of the paper's brightness, nothing is written.
LEAST_CONTRAST = 0.12
# Share of a straight line's pixels that must be dark to be a ruling or a frame's side, and its steepest slope.
LINE_SHARE, LINE_SLOPE = 0.9, 0.1
SPECK = 0.001  # a part of the area of the largest stroke
NARROW = 1.25  # width over height, up to which a single letter may fill a picture
# `writing_size` of IAM's training words (300 dpi): the median, and two standard deviations of its logarithm.
USUAL_SIZE, USUAL_RANGE = 12.1, 0.4
# Writing must span so many pixels for a line through the whole picture to be told from a stroke.
LEAST_SIZE = 16


def normalise(pixels: np.ndarray, steps: NormaliserConfig) -> np.ndarray:
    """Runs the steps that are switched on, in their order.

    Args:
        pixels: uint8 (h, w) or (h, w, 3) RGB.

    Returns:
        uint8 (h', w'), paper 255; without ink, a picture of paper alone.
    """
    grey = pixels
    if pixels.ndim == 3:
        grey = ink_channel(pixels) if steps.channel else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if steps.polarity:
        grey = darken_ink(grey)
    if steps.paper:
        grey = divide_by_paper(grey)
    if steps.rulings:
        grey = remove_rulings(grey)
    if steps.specks:
        grey = remove_specks(grey)
    return trim(grey) if steps.trim else grey


def ink_channel(pixels: np.ndarray) -> np.ndarray:
    """The grey mix or colour channel in which two classes (ink and paper) are told apart best, by Otsu's criterion.

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


def darken_ink(grey: np.ndarray) -> np.ndarray:
    """Inverts light ink on dark paper.

    Ink is thin: differences to the local median are large where it is, so their third moment has its sign. Pictures
    too small to tell stay as they are.
    """
    if min(grey.shape) < LEAST_SIZE:
        return grey
    small = _shrunk(grey)
    reach = min(127, max(4, min(small.shape) * 3 // 8))
    padded = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    median = cv2.medianBlur(padded, 2 * reach + 1)[reach:-reach, reach:-reach]
    difference = small.astype(np.float32) - median
    return PAPER - grey if (difference**3).sum() > 0 else grey


def divide_by_paper(grey: np.ndarray) -> np.ndarray:
    """Divides by the paper's brightness, a closing wider than strokes; shadows and falling light go."""
    small = _shrunk(grey)
    # Wider than the thickest stroke of a scan, so that a full stop is not taken for paper.
    reach = max(31, int(0.35 * min(small.shape))) | 1
    padded = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(cv2.GaussianBlur(padded, (0, 0), 1), cv2.MORPH_CLOSE, element)
    paper = cv2.medianBlur(closed, min(31, reach))[reach:-reach, reach:-reach]
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.divide(grey, np.maximum(paper, 1), scale=PAPER)


def remove_rulings(grey: np.ndarray) -> np.ndarray:
    """Whitens straight lines from side to side (rulings, squares, a frame) where no stroke crosses them."""
    height, width = grey.shape
    ink = ink_mask(grey)
    if min(height, width) < LEAST_SIZE or not ink.any():
        return grey
    across, upright = straight_lines(ink), straight_lines(ink.T)
    # In a narrow picture a line may be a letter's bar, but not two that two others cross.
    if not across.any() or (width < NARROW * height and min(map(_number, (across, upright))) < 2):
        return grey
    found = _without_strokes(ink, across)
    if upright.any():
        upright = np.ascontiguousarray(upright.T)
        found |= _without_strokes(ink.T, upright.T).T
        found |= _grown(across) & _grown(upright) & ink
    rest = ink & ~found
    if rest.sum() < 0.05 * ink.sum():  # The line is all there is: a dash.
        return grey
    return np.where(_grown(found) & ~rest, np.uint8(PAPER), grey)


def remove_specks(grey: np.ndarray) -> np.ndarray:
    """Whitens spots of at most 2 pixels, or of less than SPECK of the largest part of the writing."""
    ink = ink_mask(grey)
    number, parts, statistics, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    if number <= 2:
        return grey
    areas = statistics[:, cv2.CC_STAT_AREA]
    small = areas < max(3, SPECK * areas[1:].max())
    small[0] = False
    return np.where(_grown(small[parts]) & ~(ink & ~small[parts]), np.uint8(PAPER), grey) if small.any() else grey


def trim(grey: np.ndarray) -> np.ndarray:
    """Cuts off the paper around the ink, but for one pixel; a picture of paper alone if there is no ink."""
    ink = ink_mask(grey)
    if not ink.any():
        return np.full(grey.shape, PAPER, np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return grey[max(0, rows[0] - 1) : rows[-1] + 2, max(0, columns[0] - 1) : columns[-1] + 2]


def size_factor(grey: np.ndarray) -> float:
    """Factor by which writing comes to the size of a 300 dpi scan; 1 if it is near that, or can't be told.

    Hands differ in size, too, and a network knows that: only what is further off than they are is changed.
    """
    size = writing_size(grey)
    factor = USUAL_SIZE / size if size else 1.0
    return factor if abs(np.log(factor)) > USUAL_RANGE else 1.0


def writing_size(grey: np.ndarray) -> float | None:
    """Size of the writing in pixels: the geometric mean of its x-height and its stroke width.

    On IAM it varies from hand to hand by 20 % (standard deviation), less than either of them.

    Returns:
        None where a lone mark (a dash, a comma) has no size to tell.
    """
    ink = ink_mask(grey)
    if not ink.any():
        return None
    stroke = _stroke_width(ink)
    if min(grey.shape) < 2.5 * stroke + 2 or max(grey.shape) < 4 * stroke:
        return None
    profile = cv2.blur(ink.sum(axis=1).astype(np.float32)[:, None], (1, 3))[:, 0]
    # Rows through the bodies of letters hold most of the ink.
    limit = 0.5 * np.sort(profile)[-max(1, len(profile) // 5) :].mean()
    return float(np.sqrt(max(1, (profile >= limit).sum()) * stroke))


def ink_mask(grey: np.ndarray) -> np.ndarray:
    """Where ink is, bool (h, w), by Otsu's threshold (1979); nowhere if the contrast is that of paper alone."""
    _, dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    ink = dark > 0
    if not ink.any() or ink.all():
        return np.zeros(grey.shape, bool)
    paper = float(cv2.mean(grey, mask=(~ink).astype(np.uint8))[0])
    contrast = paper - float(cv2.mean(grey, mask=dark)[0])
    return ink if contrast >= LEAST_CONTRAST * paper else np.zeros(grey.shape, bool)


def straight_lines(ink: np.ndarray) -> np.ndarray:
    """Straight dark lines from the left to the right side; bool (h, w)."""
    height, width = ink.shape
    lines = np.zeros((height, width), np.uint8)
    # Every such line holds level runs: most words need no further look.
    level = np.ones((1, max(5, width // 12)), np.uint8)
    dark = np.ascontiguousarray(ink, np.uint8)
    if not cv2.morphologyEx(dark, cv2.MORPH_OPEN, level).any():
        return lines > 0
    # 64 columns tell a line from writing, and a line is at least two pixels thick.
    steepest, columns = int(LINE_SLOPE * width), np.linspace(0, width - 1, min(width, 64)).round().astype(int)
    padded = np.pad(ink, ((steepest + 1, steepest + 1), (0, 0)))
    share, rise = np.zeros(height), np.zeros(height, int)
    for rises in range(-steepest, steepest + 1, max(2, steepest // 12)):
        offsets = np.rint(rises * (columns / width - 0.5)).astype(int)
        shares = padded[np.arange(height)[:, None] + steepest + 1 + offsets, columns].mean(axis=1)
        better = shares > share
        share[better], rise[better] = shares[better], rises
    rows = np.flatnonzero(share >= LINE_SHARE)
    for band in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1) if len(rows) else []:
        thickness = band[-1] - band[0] + 1
        if thickness <= max(8, 0.12 * height):
            middle = band[np.argmax(share[band])]
            ends = round(middle - rise[middle] / 2), round(middle + rise[middle] / 2)
            cv2.line(lines, (0, int(ends[0])), (width - 1, int(ends[1])), 255, int(thickness + 4))
    return lines > 0


def _without_strokes(ink: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The ink of `lines` where it is no higher than the line: a stroke that crosses it stays."""
    height = len(ink)
    run = np.zeros(ink.shape, np.int32)
    for row in range(height):
        run[row] = np.where(ink[row], (run[row - 1] if row else 0) + 1, 0)
    for row in range(height - 2, -1, -1):
        run[row] = np.where(ink[row] & ink[row + 1], run[row + 1], run[row])
    within = lines & ink
    if not within.any():
        return within
    thin = ink & (run <= 1.6 * np.percentile(run[within], 40) + 1)
    found = within & thin
    # The whole of each run that the line has a part of.
    for rows in (range(1, height), range(height - 2, -1, -1)):
        for row in rows:
            found[row] |= thin[row] & found[row - (rows.step)]
    return found


def _stroke_width(ink: np.ndarray) -> float:
    """Mean width of strokes: twice the distance from their middle to the paper."""
    dark = cv2.copyMakeBorder(ink.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(dark, cv2.DIST_L2, 3)
    middle = (distance > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3))) - 1e-6)
    return 2 * float(distance[middle].mean())


def _separability(grey: np.ndarray) -> float:
    """Otsu's criterion, the variance between two classes as a part of the paper's brightness squared."""
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dark = grey <= threshold
    if dark.all() or not dark.any():
        return 0.0
    weight, light = dark.mean(), float(grey[~dark].mean())
    return float(weight * (1 - weight) * ((light - grey[dark].mean()) / max(light, 1)) ** 2)


def _number(lines: np.ndarray) -> int:
    return cv2.connectedComponents(np.ascontiguousarray(lines, np.uint8))[0] - 1


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    factor = COARSE / min(pixels.shape[:2])
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels


def _grown(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(np.ascontiguousarray(mask, np.uint8), np.ones((3, 3), np.uint8)) > 0

"""Size, direction and number of lines of the writing in a grey picture, from its ink."""

import cv2
import numpy as np

from preprocessing.ink import PAPER, ink_mask, stroke_width

# Fewest strokes that a column crosses in a word turned by 90 degrees, also as a multiple of those that a row crosses.
RUNS, MORE_RUNS = 3.5, 1.5
GAP = 0.35  # ink of a row between two lines, as a part of the line above's fullest
# In IAM words (300 dpi) the median of the size that `measure_writing` finds is 16.3; a fifth more is read better.
# Writing whose size is off by less than RANGE (in its logarithm) is not scaled; for narrow words, whose size is less
# certain, the limit is NARROW_RANGE.
USUAL_SIZE, RANGE, NARROW_RANGE = 20.0, 0.1, 0.6
LARGEST_FACTOR = 8.0
# Pitch in pixels at the usual size, below which writing is widened, up to MOST_STRETCH; of IAM words the median is 24.
LEAST_PITCH, MOST_STRETCH, LEAST_STRETCH = 30.0, 1.5, 1.05
# Skew is looked for in pictures so wide (over height), up to so many steps, and must sharpen the rows so much.
WIDE, LEAST_SKEW, MOST_SKEW, SHARPER = 1.2, 3, 12, 1.3
LONG = 4  # width over height up to which a step is a degree; in lines, whose ends rise further, it is less
LEAST_SLOPE = 0.05  # of the line through all ink
SKEW_SIDE = 32  # pixels of the height at which it is looked for


def to_usual_size(grey: np.ndarray) -> np.ndarray:
    """Scales writing to one size, about that of a 300 dpi scan, unless it is near that, and widens narrow hands.

    Where letters are small or close together, a network's columns are too coarse to separate them.
    """
    size, pitch, is_narrow = measure_writing(grey)
    factor = min(USUAL_SIZE / size, LARGEST_FACTOR) if size else 1.0
    if abs(np.log(factor)) < (NARROW_RANGE if is_narrow else RANGE):
        factor = 1.0
    stretch = 1.0 if is_narrow or not pitch else min(max(1.0, LEAST_PITCH / (pitch * factor)), MOST_STRETCH)
    if factor == 1 and stretch < LEAST_STRETCH:
        return grey
    shape = max(1, round(grey.shape[1] * factor * stretch)), max(1, round(grey.shape[0] * factor))
    return cv2.resize(grey, shape, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def measure_writing(grey: np.ndarray) -> tuple[float, float, bool]:
    """Returns the size and pitch of the writing in pixels, and whether the word is narrower than about three letters.

    The size is h^0.7 s^0.3 from its x-height h and stroke width s: on IAM it varies less from hand to hand than h alone
    (standard deviation 35 %). The pitch is the width, without gaps, over the number of strokes that a row through the
    bodies of letters crosses: about two thirds of a letter's width. Both are 0 where they can't be measured, as on a
    lone mark (a dash, a comma, a bracket).
    """
    ink = ink_mask(grey)
    if not ink.any():
        return 0.0, 0.0, True
    stroke = stroke_width(ink)
    if min(grey.shape) < 2.5 * stroke + 2 or max(grey.shape) < 9 * stroke:
        return 0.0, 0.0, True
    body = body_rows(ink)
    x_height = max(1, int(body.sum()))
    width = grey.shape[1] / x_height
    if width < 1.5:
        return 0.0, 0.0, True
    rows = ink[body].view(np.int8)
    strokes = float(np.median((np.diff(rows, axis=1, prepend=0) > 0).sum(axis=1)))
    # Gaps wider than half the x-height, between words, are no part of a letter's width.
    written = cv2.morphologyEx(rows.max(axis=0)[None].view(np.uint8), cv2.MORPH_CLOSE, np.ones((1, x_height // 2 | 1)))
    return x_height**0.7 * stroke**0.3, float(written.sum()) / max(1.0, strokes), width < 3


def body_rows(ink: np.ndarray) -> np.ndarray:
    """Returns which rows of an ink mask (h, w) go through the bodies of letters: those with most of the ink."""
    profile = cv2.blur(ink.sum(axis=1).astype(np.float32)[:, None], (1, 3))[:, 0]
    return profile >= 0.5 * np.sort(profile)[-max(1, len(profile) // 5) :].mean()


def skew(grey: np.ndarray) -> float:
    """Returns by how many degrees the writing of a wide picture falls to the right; 0 if little or not clearly.

    Of all slopes the right one has the sharpest rows: the largest sum of their squared ink (after Postl 1986).
    """
    height, width = grey.shape
    ink = ink_mask(grey)
    if width < WIDE * height or height < SKEW_SIDE // 2 or not ink.any():
        return 0.0
    step = min(1.0, LONG * height / width)
    shape = (min(width, max(1, width * SKEW_SIDE // height), 8 * SKEW_SIDE), min(height, SKEW_SIDE))
    small = cv2.resize(ink.astype(np.uint8) * 255, shape, interpolation=cv2.INTER_AREA)
    # A picture that was shrunk more in one direction than in the other has other slopes.
    steepness = (shape[1] / height) / (shape[0] / width)
    moments = cv2.moments(small)
    # The line through all ink is level in most words: these need no search.
    if abs(moments["mu11"]) < LEAST_SLOPE * step * steepness * moments["mu20"]:
        return 0.0
    rise = int(np.tan(np.radians(MOST_SKEW * step)) * steepness * shape[0] / 2) + 1
    small = cv2.copyMakeBorder(small, rise, rise, 0, 0, cv2.BORDER_CONSTANT, value=0)

    def sharpness(steps: int) -> float:
        slope = np.tan(np.radians(steps * step)) * steepness
        shear = np.array([[1, 0, 0], [slope, 1, -slope * (shape[0] - 1) / 2]])
        sheared = cv2.warpAffine(small, shear, small.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        rows = cv2.reduce(sheared, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
        return float((rows**2).sum())

    level = sharpness(0)
    coarse = max(range(-MOST_SKEW, MOST_SKEW + 1, 4), key=sharpness)
    if not coarse:
        return 0.0
    best = max(range(coarse - 2, coarse + 3), key=sharpness)
    return best * step if abs(best) >= LEAST_SKEW and sharpness(best) >= SHARPER * level else 0.0


def turn_upright(grey: np.ndarray) -> np.ndarray:
    """Turns a tall picture in which strokes follow each other downwards, a word turned by 90 degrees, clockwise.

    RUNS and MORE_RUNS turn 9 of 6,000 upright IAM words, and 95 % of those of three letters or more that were turned;
    whether the words are then upside down can be decided only by reading them.
    """
    height, width = grey.shape
    if height < width:
        return grey
    ink = ink_mask(grey)
    down, across = _stroke_number(ink), _stroke_number(ink.T)
    return np.ascontiguousarray(np.rot90(grey, -1)) if down >= max(RUNS, MORE_RUNS * across) else grey


def count_lines(strip: np.ndarray) -> int:
    """Returns how many text lines a picture seems to hold: rows full of ink with nearly empty ones between them.

    Args:
        strip: uint8 (h, w) or (h, w, 3) network input, paper 255.
    """
    if strip.ndim == 3:
        strip = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)
    darkness = (PAPER - strip).astype(np.float32)
    profile = darkness.sum(axis=1)
    inked = np.flatnonzero(profile > 0.02 * profile.max())
    if not len(inked) or np.ptp(inked) < 0.6 * len(strip):
        return 1
    tops, top = [], 0
    for row, ink in enumerate(profile):
        if ink > profile[top]:
            top = row
        elif ink < GAP * profile[top]:
            tops.append(top)
            top = row
    tops.append(top)
    tops = [row for row in tops if profile[row] >= 0.3 * profile.max()]
    wide = [np.flatnonzero(darkness[max(0, row - 1) : row + 2].max(axis=0) > 60) for row in tops]
    return max(1, sum(len(columns) > 0 and np.ptp(columns) >= strip.shape[1] / 2 for columns in wide))


def _stroke_number(ink: np.ndarray) -> float:
    """Returns the mean number of strokes that a column crosses, in the quarter of the columns that cross most."""
    strokes = np.sort((np.diff(ink.view(np.int8), axis=0, prepend=0) > 0).sum(axis=0))
    return float(strokes[-max(1, len(strokes) // 4) :].mean())

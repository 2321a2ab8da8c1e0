"""Removes lines printed on paper (rulings, squares, frames) and keeps the strokes that cross them."""

import cv2
import numpy as np

from preprocessing.ink import PAPER, grown, ink_mask

# Share of a straight line's pixels that must be dark to be a ruling or a frame's side, and its steepest slope.
LINE_SHARE, LINE_SLOPE = 0.9, 0.1
PIECE = 16  # pixels, short enough for a slanted line to stay in one row
NARROW = 1.0  # width over height, up to which a single letter may fill a picture
BARS = 3  # of an E
# Writing must span so many pixels so that a line through the whole picture is no stroke.
LEAST_SIZE = 16
# Ends of a stroke that are bridged: so many pixels more apart than the line is thick, and so wide.
BRIDGE = (5, 9)
BOX = 0.1  # share of an empty box that its sides take; those of a letter, drawn by a pen, take more
PALER = 1.25  # darkness of ink over that of rulings from which they can be separated by grey level


def remove_rulings(grey: np.ndarray) -> np.ndarray:
    """Whitens straight lines from side to side (rulings, squares, a frame) where no stroke crosses them."""
    height, width = grey.shape
    ink = ink_mask(grey)
    if min(height, width) < LEAST_SIZE or not ink.any():
        return grey
    across = straight_lines(ink)
    if not across.any():
        return grey
    upright = straight_lines(ink.T)
    # In a narrow picture a line may be a letter's bar, but not two that two others cross, nor more than an E has.
    if width < NARROW * height and (bars := _number(across)) <= BARS and min(bars, _number(upright)) < 2:
        return grey
    found = _without_strokes(ink, across)
    if upright.any():
        upright = np.ascontiguousarray(upright.T)
        found |= _without_strokes(ink.T, upright.T).T
        found |= grown(across) & grown(upright) & ink
    rest = ink & ~found
    if rest.sum() < 0.05 * ink.sum() and not _is_form(ink, across, upright):  # The line is all there is: a dash.
        return grey
    lines = across | (upright if upright.any() else False)
    if (limit := _between(grey, found, rest & ~lines)) is not None:
        return np.where(grown(lines) & (grey > limit), np.uint8(PAPER), grey)
    return np.where(grown(found) & ~rest, np.uint8(PAPER), grey)


def straight_lines(ink: np.ndarray) -> np.ndarray:
    """Returns straight dark lines from the left to the right side; bool (h, w)."""
    height, width = ink.shape
    lines = np.zeros((height, width), np.uint8)
    # Shares of ink in short pieces of each row, sheared by each slope: a line then fills one row.
    pieces = min(width, max(24, width // PIECE))
    shares = cv2.resize(np.ascontiguousarray(ink, np.uint8) * 255, (pieces, height), interpolation=cv2.INTER_AREA)
    if (shares.max(axis=0) >= 0.7 * 255).mean() < LINE_SHARE:
        return lines > 0
    steepest = int(LINE_SLOPE * width)
    share, rise = np.zeros(height), np.zeros(height, int)
    # Coarse on purpose: trying every slope finds more rulings, but removes some in part only, and these are read worse.
    for rises in range(-steepest, steepest + 1, max(2, steepest // 10)):
        slope = rises / pieces
        shear = np.array([[1, 0, 0], [slope, 1, -slope * (pieces - 1) / 2]])
        sheared = cv2.warpAffine(shares, shear, (pieces, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        means = cv2.reduce(sheared, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[:, 0] / 255
        better = means > share
        share[better], rise[better] = means[better], rises
    rows = np.flatnonzero(share >= LINE_SHARE)
    for band in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1) if len(rows) else []:
        thickness = band[-1] - band[0] + 1
        if thickness <= max(8, 0.12 * height):
            middle = band[np.argmax(share[band])]
            ends = round(middle - rise[middle] / 2), round(middle + rise[middle] / 2)
            cv2.line(lines, (0, int(ends[0])), (width - 1, int(ends[1])), 255, int(thickness + 4))
    return lines > 0


def _between(grey: np.ndarray, lines: np.ndarray, strokes: np.ndarray) -> float | None:
    """Returns the grey level between ink and rulings, if these are clearly paler, so that strokes stay whole."""
    if not lines.any() or not strokes.any():
        return None
    line, stroke = float(np.median(grey[lines])), float(np.percentile(grey[strokes], 40))
    return (line + stroke) / 2 if PAPER - stroke >= PALER * (PAPER - line) else None


def _without_strokes(ink: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Returns the ink of `lines` where it is no higher than the line: a stroke that crosses it stays."""
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
    # A stroke that crosses the line on a slant leaves ends above and below it that belong together.
    reach = int(np.percentile(run[within], 40)) + BRIDGE[0]
    bridge = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRIDGE[1], reach))
    rest = np.ascontiguousarray(ink & ~found, np.uint8)
    return found & (cv2.morphologyEx(rest, cv2.MORPH_CLOSE, bridge) == 0)


def _is_form(ink: np.ndarray, across: np.ndarray, upright: np.ndarray) -> bool:
    """Returns whether a picture of lines is ruled or squared paper or an empty box, no sign such as E or a square 0."""
    if max(_number(across), _number(upright)) > BARS:
        return True
    height, width = ink.shape
    sides = across[: height // 5], across[-(height // 5) :], upright[:, : width // 5], upright[:, -(width // 5) :]
    return ink.mean() < BOX and all(side.any() for side in sides)


def _number(lines: np.ndarray) -> int:
    return cv2.connectedComponents(np.ascontiguousarray(lines, np.uint8))[0] - 1

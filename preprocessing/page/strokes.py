"""Strokes of the writing in a piece of a page: where they are, how dark, and which row they stand on."""

import cv2
import numpy as np

from preprocessing.ink import PAPER, ink_mask
from preprocessing.normaliser import darken_ink, even_paper
from preprocessing.page.pieces import Piece
from preprocessing.rulings import remove_rulings

STROKE = 0.35  # of a line's height, wider than any stroke
CORE = 0.3  # of it around the middle: strokes that don't reach it belong to other lines
REACH = 0.05  # of it, by which ink may lie outside what the detector found
# Rise and bow of half a line, in heights, that are tried in lines of so many half heights, and what they must gain.
TURNS = (-0.45, -0.3, -0.2, -0.13, -0.07, 0, 0.07, 0.13, 0.2, 0.3, 0.45)
LEAST_CHUNKS, MOST_CHUNKS, SHARPER = 12, 48, 1.02


def cut_straight(page: np.ndarray, piece: Piece, margin: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns the picture of a piece, level, uint8 (h, w), and the matrix (2, 3) from its pixels to the page's."""
    size = [max(2, round(side + 2 * margin)) for side in (piece.length, piece.height)]
    origin = piece.centre - piece.along * size[0] / 2 - piece.down * size[1] / 2
    matrix = np.column_stack([piece.along, piece.down, origin])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    strip = cv2.warpAffine(page, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return (strip if strip.ndim == 2 else cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)), matrix


def darkness(grey: np.ndarray, height: float) -> np.ndarray:
    """Returns how much darker strokes are than the paper around them, uint8 (h, w); `height` is that of a line."""
    element = np.ones((max(5, round(STROKE * height)) | 1,) * 2, np.uint8)
    return cv2.morphologyEx(darken_ink(grey, even_paper(grey)), cv2.MORPH_BLACKHAT, element)


def contrast(page: np.ndarray, piece: Piece) -> float:
    """Returns the mean darkness of a piece's strokes, 0 to 255."""
    dark = darkness(cut_straight(page, piece)[0], piece.height)
    threshold, _ = cv2.threshold(dark, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(dark[dark > threshold].mean()) if (dark > threshold).any() else 0.0


def own_strokes(page: np.ndarray, whole: Piece, pieces: list[Piece], margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns strokes that pass through the middle of a piece, bool (h, w), and the matrix of `cut_straight`."""
    grey, matrix = cut_straight(page, whole, margin)
    ink = ink_mask(remove_rulings(PAPER - darkness(grey, min(piece.height for piece in pieces))))
    core, reach = np.zeros(ink.shape, np.uint8), np.zeros(ink.shape, np.uint8)
    inverse = cv2.invertAffineTransform(matrix)
    for piece in pieces:
        for mask, high, wide in ((core, CORE, 0.0), (reach, 1 + 2 * REACH, 2 * REACH)):
            grown = Piece(piece.centre, piece.along, piece.length + wide * piece.height, high * piece.height)
            corners = inverse[:, :2] @ grown.corners.T + inverse[:, 2:]
            cv2.fillPoly(mask, [np.rint(corners.T).astype(np.int32)], 1)
    ink = ink & (reach > 0)
    number, labels = cv2.connectedComponents(ink.view(np.uint8), connectivity=8)
    own = np.zeros(number, bool)
    own[np.unique(labels[(core > 0) & ink])] = True
    own[0] = False
    return own[labels], matrix


def curve_of(ink: np.ndarray, height: float) -> np.ndarray:
    """Returns how far the writing lies below a level line at each column of `ink`: a parabola, 0 on average.

    Of all slopes and bows the right ones have the sharpest rows: the largest sum of their squared ink (Postl 1986).
    """
    chunks = int(np.clip(round(2 * ink.shape[1] / height), 1, MOST_CHUNKS))
    shares = cv2.resize(ink.astype(np.float32), (chunks, len(ink)), interpolation=cv2.INTER_AREA)
    at = np.linspace(-1, 1, chunks)
    rows, columns = np.arange(len(ink))[:, None], np.arange(chunks)

    def sharpness(slope: float, bow: float) -> float:
        moved = rows + np.rint(slope * at + bow * (at**2 - 1 / 3)).astype(int)
        inside = (moved >= 0) & (moved < len(ink))
        profile = np.where(inside, shares[moved.clip(0, len(ink) - 1), columns], 0).sum(axis=1)
        return float((profile**2).sum())

    slope = bow = 0.0
    best = SHARPER * sharpness(0, 0)
    # One after the other, and the slope once more: all pairs would take several times as long.
    for turns_slope in (True, False, True):
        if chunks < (LEAST_CHUNKS / 2 if turns_slope else LEAST_CHUNKS):
            continue
        for turn in height * np.array(TURNS):
            tried = (turn, bow) if turns_slope else (slope, turn)
            if (score := sharpness(*tried)) > best:
                (slope, bow), best = tried, score
    at = np.linspace(-1, 1, ink.shape[1])
    return slope * at + bow * (at**2 - 1 / 3)


def baseline_row(rows: np.ndarray) -> float:
    """Returns the last of the rows through the bodies of letters, which hold most ink; `rows` are those of all ink."""
    low = int(np.floor(rows.min()))
    profile = np.bincount((rows - low).astype(int)).astype(np.float32)
    limit = 0.5 * np.sort(profile)[-max(1, len(profile) // 5) :].mean()
    return float(low + np.flatnonzero(profile >= limit)[-1] + 1)

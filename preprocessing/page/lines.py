"""Finds the lines of a page: outline, baseline and reading order, from the pieces that a detector finds."""

from itertools import pairwise

import cv2
import numpy as np

from preprocessing.page.layout import Line, to_points
from preprocessing.page.order import reading_order
from preprocessing.page.pieces import Piece, join_pieces, piece_of
from preprocessing.page.strokes import baseline_row, contrast, curve_of, cut_straight, darkness, own_strokes

MARGIN = 0.35  # of a line's height, of the picture around what the detector found
PAD = 0.4  # of the paper between ink and the detector's edge, which stays in the outline
# Strokes so much paler than the page's are those of the back of the sheet, or grain of paper.
PALE = 0.45
# A piece is two lines if it is so much higher than the page's others, and rows between two full ones so empty.
TALL, VALLEY, LEAST_PEAK = 1.45, 0.6, 0.4


def find_lines(page: np.ndarray, corners: np.ndarray, is_rtl: bool = False) -> tuple[Line, ...]:
    """Returns the lines of a page in reading order.

    Args:
        page: uint8 (h, w) or (h, w, 3) RGB.
        corners: of the pieces found, (n, 4, 2), as of `TextDetector.find`.
        is_rtl: whether the page is read from right to left.
    """
    pieces = _written(page, [piece_of(one) for one in corners])
    if pieces:
        usual = float(np.median([piece.height for piece in pieces]))
        pieces = [part for piece in pieces for part in _split(page, piece, usual)]
    lines = [shape_line(page, group) for group in join_pieces(pieces)]
    return reading_order([line for line in lines if line is not None], is_rtl)


def shape_line(page: np.ndarray, pieces: list[Piece]) -> Line | None:
    """Returns the line that holds these pieces, its outline close to the ink; None if there is no ink."""
    whole = _around(pieces)
    margin = MARGIN * whole.height
    ink, matrix = own_strokes(page, whole, pieces, margin)
    if not ink.any():
        return None
    columns = np.flatnonzero(ink.any(axis=0))
    # Two columns at least, for a baseline has two ends.
    first = min(columns[0], ink.shape[1] - 2)
    xs = np.arange(first, max(columns[-1], first + 1) + 1)
    curve = curve_of(ink[:, xs], whole.height)
    ys, across = np.nonzero(ink[:, xs])
    rows = ys - curve[across]
    above, below = max(0.0, rows.min() - margin), max(0.0, margin + whole.height - rows.max())
    top, bottom = rows.min() - 1 - PAD * above, rows.max() + 1 + PAD * below
    step = np.unique(np.linspace(0, len(xs) - 1, max(2, round(len(xs) / whole.height)) + 1).astype(int))
    ends = xs[step].astype(float)
    ends[[0, -1]] += PAD * max(above, below) * np.array([-1, 1])
    limits = page.shape[1] - 1, page.shape[0] - 1

    def on_page(row: float) -> np.ndarray:
        return (matrix @ [ends, curve[step] + row, np.ones(len(step))]).T.clip(0, limits)

    outline = np.vstack([on_page(top), on_page(bottom)[::-1]])
    return Line(to_points(outline), to_points(on_page(baseline_row(rows))))


def _written(page: np.ndarray, pieces: list[Piece]) -> list[Piece]:
    """Returns the pieces without what shines through from the back."""
    contrasts = np.array([contrast(page, piece) for piece in pieces])
    order = np.argsort(contrasts)
    lengths = np.cumsum([pieces[i].length for i in order])
    if not len(lengths):
        return []
    usual = contrasts[order[np.searchsorted(lengths, lengths[-1] / 2)]]
    return [piece for piece, one in zip(pieces, contrasts) if one >= PALE * usual]


def _split(page: np.ndarray, piece: Piece, usual: float) -> list[Piece]:
    """Returns the two lines that a piece holds, or the piece; `usual` is the height of the page's pieces."""
    if piece.height < TALL * usual or piece.length < 2 * piece.height:
        return [piece]
    dark = darkness(cut_straight(page, piece)[0], usual).astype(np.float32)
    profile = cv2.blur(dark.sum(axis=1)[:, None], (1, max(1, round(0.1 * usual))))[:, 0]
    third = len(profile) // 3
    valley = third + int(profile[third : 2 * third].argmin())
    peaks = profile[:valley].max(), profile[valley:].max()
    if profile[valley] > VALLEY * min(peaks) or min(peaks) < LEAST_PEAK * max(peaks):
        return [piece]
    edges = np.array([0, valley, len(profile)]) - len(profile) / 2
    return [
        Piece(piece.centre + piece.down * (start + end) / 2, piece.along, piece.length, float(end - start))
        for start, end in pairwise(edges)
    ]


def _around(pieces: list[Piece]) -> Piece:
    """Returns the rectangle around the pieces of a line."""
    if len(pieces) == 1:
        return pieces[0]
    ends = np.vstack([piece.ends for piece in pieces])
    x, y, *_ = cv2.fitLine(ends.astype(np.float32), cv2.DIST_L2, 0, 0.01, 0.01).ravel()
    along = np.array([x, y], float) * np.sign(x or 1)
    down = np.array([-along[1], along[0]])
    corners = np.vstack([piece.corners for piece in pieces])
    spans = [corners @ along, corners @ down]
    low, high = np.array([span.min() for span in spans]), np.array([span.max() for span in spans])
    centre = along * (low[0] + high[0]) / 2 + down * (low[1] + high[1]) / 2
    return Piece(centre, along, float(high[0] - low[0]), float(high[1] - low[1]))

"""Words of a line: where the gaps between them are."""

from collections.abc import Sequence

import cv2
import numpy as np

from preprocessing.ink import ink_mask
from preprocessing.writing import body_rows

# Gap between words over the height of letters without ascenders, and share of a line's pixels that are letters' bodies.
WORD_GAP = 0.65
LEVEL = 0.6  # of a line's height, the longest level stroke of a letter
# What a gap of that height is worth, and the standard deviation of a letter's width as a part of the mean.
GAP_WORTH, LETTER_SPREAD = 4.0, 0.5

Span = tuple[int, int]


def find_words(line: np.ndarray, lengths: Sequence[int] | None = None) -> list[Span]:
    """Returns the first column of each word and the one after its last, left to right.

    Args:
        line: uint8 (h, w), a straight line after `normalise`, paper 255.
        lengths: characters of each word, left to right, where they are known: of all ways to part the line, that with
            the widest gaps between words as wide as their letters; None: gaps wider than those within words.

    Returns:
        A span for each of `lengths`, fewer where there are not so many gaps; none without ink.
    """
    ink = ink_mask(line)
    if not ink.any() or (lengths is not None and not len(lengths)):
        return []
    # What is left of rulings has longer level pieces than letters; a dash may be all there is.
    element = np.ones((1, max(3, round(LEVEL * len(ink)))), np.uint8)
    letters = ink & (cv2.morphologyEx(ink.view(np.uint8), cv2.MORPH_OPEN, element) == 0)
    ink = letters if letters.any() else ink
    top, bottom = _body(ink)
    height = bottom - top
    # Ascenders and descenders of slanted writing reach over gaps.
    columns = ink[max(0, top - height // 2) : bottom + height // 4].any(axis=0)
    columns = columns if columns.any() else ink.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], columns.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    if lengths is None:
        cuts = np.flatnonzero(starts[1:] - ends[:-1] > WORD_GAP * height)
    elif len(lengths) >= len(starts):
        cuts = np.arange(len(starts) - 1)
    else:
        cuts = _best_cuts(starts, ends, np.array(lengths), height)
    return [(int(a), int(b)) for a, b in zip(starts[[0, *(cuts + 1)]], ends[[*cuts, -1]])]


def _best_cuts(starts: np.ndarray, ends: np.ndarray, lengths: np.ndarray, height: int) -> np.ndarray:
    """Returns after which pieces of ink words of so many characters end, but for the last: dynamic programming."""
    gaps = (starts[1:] - ends[:-1]) / height
    widest = np.sort(gaps)[::-1][: len(lengths) - 1].sum() * height
    pitch = max(1.0, (ends[-1] - starts[0] - widest) / lengths.sum())
    worth = GAP_WORTH * np.append(gaps, 0.0)
    widths = ends[None] - starts[:, None]  # of words from one piece to another
    pieces = np.arange(len(starts))
    best, begins = np.full(len(starts), -np.inf), []
    for word, length in enumerate(lengths):
        off = (widths - length * pitch) / (LETTER_SPREAD * pitch)
        fit = np.where(widths > 0, -(off**2) / (2 * length), -np.inf)
        # What is reached before a word that begins with a piece, with the gap before it.
        before = np.where(pieces == 0, 0.0, -np.inf) if not word else np.append(-np.inf, (best + worth)[:-1])
        total = before[:, None] + fit
        begins.append(total.argmax(axis=0))
        best = total.max(axis=0)
    cuts = []
    last = len(starts) - 1
    for begin in begins[:0:-1]:
        last = int(begin[last]) - 1
        cuts.append(last)
    return np.array(cuts[::-1], int)


def _body(ink: np.ndarray) -> tuple[int, int]:
    """Returns the first row of letters' bodies and the one after the last."""
    full = np.flatnonzero(body_rows(ink))
    return int(full[0]), int(full[-1]) + 1

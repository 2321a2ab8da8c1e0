"""Words of a line: where the gaps between them are."""

import cv2
import numpy as np

from preprocessing.ink import ink_mask
from preprocessing.writing import body_rows

# Gap between words over the height of letters without ascenders, and share of a line's pixels that are letters' bodies.
WORD_GAP = 0.65
LEVEL = 0.6  # of a line's height, the longest level stroke of a letter

Span = tuple[int, int]


def find_words(line: np.ndarray, number: int | None = None) -> list[Span]:
    """Returns the first column of each word and the one after its last, left to right.

    Args:
        line: uint8 (h, w), a straight line after `normalise`, paper 255.
        number: of words, where it is known: the widest gaps part them; None: gaps wider than those within words.

    Returns:
        `number` spans, fewer where there are not so many gaps; none without ink.
    """
    ink = ink_mask(line)
    if not ink.any():
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
    gaps = starts[1:] - ends[:-1]
    if number is None:
        cuts = np.flatnonzero(gaps > WORD_GAP * height)
    else:
        cuts = np.sort(np.argsort(-gaps, kind="stable")[: max(0, number - 1)])
    return [(int(a), int(b)) for a, b in zip(starts[[0, *(cuts + 1)]], ends[[*cuts, -1]])]


def _body(ink: np.ndarray) -> tuple[int, int]:
    """Returns the first row of letters' bodies and the one after the last."""
    full = np.flatnonzero(body_rows(ink))
    return int(full[0]), int(full[-1]) + 1

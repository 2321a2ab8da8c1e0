"""Cuts pictures of words between letters and of lines between words, and joins pieces of two into a new one."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from preprocessing.ink import PAPER, ink_mask, whiten
from preprocessing.writing import body_rows

SLANTS = range(-20, 46, 5)  # degrees to the right
SLANT_HEIGHT = 40  # pixels of the height at which they are looked for
INNER = 0.25  # share of the way between two letters' middles, at either end, in which no cut is made
MOST_CROSSED = 0.4  # most ink in a column that is cut, as a part of the x-height
RATIO, SLANT = 1.25, 10  # within which x-heights and slants (degrees) of two pieces are alike


@dataclass(frozen=True, eq=False)
class Letters:
    """The picture of a word with its slant taken out, and where it can be cut.

    Attributes:
        picture: uint8 (h, w), paper 255.
        cuts: number of letters before a cut -> its column; among them 0 and all letters, the ends of the ink.
        baseline: the row below the bodies of the letters.
        x_height: in pixels.
        slant: degrees to the right that were taken out.
    """

    label: str
    picture: np.ndarray
    cuts: dict[int, int]
    baseline: int
    x_height: int
    slant: int

    def fits(self, other: "Letters") -> bool:
        """Whether the letters of both are about as high and as slanted."""
        return _alike(self.x_height, other.x_height) and abs(self.slant - other.slant) <= SLANT


@dataclass(frozen=True, eq=False)
class Line:
    """The picture of a text line, and where it can be cut.

    Attributes:
        words: of its label.
        picture: uint8 (h, w), paper 255.
        cuts: columns before, between and after the words: one more than these.
        baseline: the row below the bodies of the letters.
        x_height: in pixels.
    """

    words: list[str]
    picture: np.ndarray
    cuts: list[int]
    baseline: int
    x_height: int

    def fits(self, other: "Line") -> bool:
        """Whether the letters of both are about as high."""
        return _alike(self.x_height, other.x_height)


def split_line(
    label: str, grey: np.ndarray, middles: Sequence[float] | np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields the words of a line, each as arguments of `cut_letters`; cuts are in the middle of the widest gaps.

    `label`, `grey` and `middles` are those of the line, spaces being letters, too.
    """
    inked = np.flatnonzero(ink_mask(grey).any(axis=0))
    if not len(inked):
        return
    width, first = inked[-1] + 1 - inked[0], inked[0]
    cuts = _cuts_of_line(label, inked, grey.shape[1], middles)
    for (start, end), left, right in zip(_places(label), cuts, cuts[1:]):
        own = inked[(inked >= left) & (inked < right)]
        if len(own):
            places = (first + width * np.asarray(middles[start:end]) - own[0]) / (own[-1] + 1 - own[0])
            yield label[start:end], grey[:, left:right], places


def cut_line(label: str, grey: np.ndarray, middles: Sequence[float] | np.ndarray) -> Line | None:
    """Finds where a line can be cut between its words, as `split_line` does; None for a picture without ink."""
    ink = ink_mask(grey)
    if not ink.any():
        return None
    rows = np.flatnonzero(body_rows(ink))
    cuts = _cuts_of_line(label, np.flatnonzero(ink.any(axis=0)), grey.shape[1], middles)
    words = [label[start:end] for start, end in _places(label)]
    return Line(words, whiten(grey, float(np.median(grey))), cuts, int(rows[-1]) + 1, len(rows))


def join_lines(first: Line, number: int, second: Line, start: int) -> tuple[str, np.ndarray]:
    """Returns text and picture, uint8 (h, w), of a line's first `number` words and another's words from `start` on."""
    picture = _on_one_baseline(
        first.picture[:, : first.cuts[number]], first.baseline, second.picture[:, second.cuts[start] :], second.baseline
    )
    return " ".join(first.words[:number] + second.words[start:]), picture


def _places(label: str) -> list[tuple[int, int]]:
    """Returns the index of the first character of each word of a line, and of the one after its last character."""
    return [(match.start(), match.end()) for match in re.finditer("[^ ]+", label)]


def _cuts_of_line(label: str, inked: np.ndarray, width: int, middles: Sequence[float] | np.ndarray) -> list[int]:
    """Returns the columns of both ends of a line and, between each two words, of the middle of their widest gap.

    `inked` are the columns with ink, `width` that of the picture.
    """
    inner = []
    for (_, before), (after, _) in itertools.pairwise(_places(label)):
        # From the last letter of one word to the first of the next; either may be found in the margin beyond the ink.
        ends = np.clip([middles[before - 1], middles[after]], 0, 1)
        low, high = (inked[0] + (inked[-1] + 1 - inked[0]) * ends).round()
        crossing = np.array([low, *inked[(inked > low) & (inked < high)], high])
        gap = np.diff(crossing).argmax()
        inner.append(round(crossing[gap : gap + 2].mean()))
    return [0, *inner, width]


def cut_letters(label: str, grey: np.ndarray, middles: Sequence[float] | np.ndarray) -> Letters | None:
    """Finds where a word can be cut: in the column of least ink between two letters, if it crosses little.

    Args:
        grey: uint8 (h, w), the word's picture.
        middles: of each letter of the label, as a part of the ink's width, 0 to 1, ascending.

    Returns None for a picture without ink.
    """
    ink = ink_mask(grey)
    if not ink.any():
        return None
    rows = np.flatnonzero(body_rows(ink))
    x_height, baseline = len(rows), int(rows[-1]) + 1
    columns = np.flatnonzero(ink.any(axis=0))
    slant, middle_row = _slant(ink), baseline - x_height / 2
    picture, moved = _sheared(whiten(grey, float(np.median(grey))), slant, middle_row)
    places = columns[0] + np.asarray(middles) * (columns[-1] + 1 - columns[0]) + moved
    crossed = ink_mask(picture).sum(axis=0)
    inked = np.flatnonzero(crossed)
    if not len(inked):
        return None
    cuts = {0: int(inked[0]), len(label): int(inked[-1]) + 1}
    for number, (before, after) in enumerate(itertools.pairwise(places), start=1):
        first, last = before + INNER * (after - before), after - INNER * (after - before)
        between = np.arange(max(inked[0] + 1, round(first)), min(inked[-1], round(last)) + 1)
        if not len(between):  # The letters are not where the ink is.
            continue
        # Of columns with equally little ink, the one nearest to the middle.
        cost = crossed[between] + np.abs(between - (before + after) / 2) / picture.shape[1]
        best = int(between[cost.argmin()])
        if crossed[best] <= MOST_CROSSED * x_height:
            cuts[number] = best
    return Letters(label, picture, cuts, baseline, x_height, slant)


def join_letters(first: Letters, number: int, second: Letters, rest: int) -> np.ndarray:
    """Returns the picture, uint8 (h, w), of the first `number` letters of one word and the last `rest` of another.

    Both stand on one baseline, slanted as the first was.
    """
    left = first.picture[:, : first.cuts[number]]
    right = second.picture[:, second.cuts[len(second.label) - rest] :]
    canvas = _on_one_baseline(left, first.baseline, right, second.baseline)
    return _sheared(canvas, -first.slant, max(first.baseline, second.baseline) - first.x_height / 2)[0]


def _on_one_baseline(left: np.ndarray, left_baseline: int, right: np.ndarray, right_baseline: int) -> np.ndarray:
    """Returns two pictures, uint8 (h, w), side by side, their baselines at the same height."""
    baseline = max(left_baseline, right_baseline)
    below = max(len(left) - left_baseline, len(right) - right_baseline)
    canvas = np.full((baseline + below, left.shape[1] + right.shape[1]), PAPER, np.uint8)
    top = baseline - left_baseline
    canvas[top : top + len(left), : left.shape[1]] = left
    top = baseline - right_baseline
    canvas[top : top + len(right), left.shape[1] :] = right
    return canvas


def _slant(ink: np.ndarray) -> int:
    """Returns by how many degrees strokes lean to the right: upright ones have the sharpest columns."""
    factor = min(1.0, SLANT_HEIGHT / len(ink))
    shape = max(1, round(ink.shape[1] * factor)), max(1, round(len(ink) * factor))
    small = cv2.resize(ink.astype(np.uint8) * 255, shape, interpolation=cv2.INTER_AREA)

    def sharpness(degrees: int) -> float:
        sheared, _ = _sheared(PAPER - small, degrees, 0.0)
        return float((np.float32(PAPER - sheared).sum(axis=0) ** 2).sum())

    return max(SLANTS, key=sharpness)


def _sheared(grey: np.ndarray, degrees: int, level: float) -> tuple[np.ndarray, float]:
    """Takes a slant out of a picture, uint8 (h, w); returns it and by how many columns row `level` has moved."""
    height, width = grey.shape
    slope = np.tan(np.radians(degrees))
    # A row y moves by slope * (y - level) + moved.
    moved = max(0.0, slope * level, -slope * (height - level))
    wider = width + round(abs(slope) * height)
    shear = np.array([[1, slope, moved - slope * level], [0, 1, 0]])
    return cv2.warpAffine(grey, shear, (wider, height), borderValue=PAPER), moved


def _alike(x_height: int, other: int) -> bool:
    return max(x_height / other, other / x_height) <= RATIO

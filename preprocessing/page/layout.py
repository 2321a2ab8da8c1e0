"""Pages of text: where their lines are and what they say, between detector, reader, importers and output formats."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

PROGRAM = "seq2seq-ocr"  # creator of the files that this program writes
CORRECTED = f"{PROGRAM}, corrected"  # and of those whose texts somebody has corrected with it
Point = tuple[float, float]


@dataclass(frozen=True)
class PageWord:
    """A word of a line: its text, its confidence (0 to 1), and its box (left, top, width, height) in pixels."""

    text: str
    confidence: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Line:
    """A line of text on a page.

    Attributes:
        polygon: its outline, points (x, y) in pixels of the page; at least three, or empty where a file gives none.
        baseline: the line that its letters stand on, points in the direction of reading; empty if unknown.
        text, confidence: what it says, and the probability of that; None where it was not read but given.
        words: the parts of the text, if they are known.
        character_confidences: of each character of the text, 0 to 1; empty if unknown.
        alternatives: further readings of the text, best first; empty unless the decoder gives several.
    """

    polygon: tuple[Point, ...]
    baseline: tuple[Point, ...] = ()
    text: str = ""
    confidence: float | None = None
    words: tuple[PageWord, ...] = ()
    character_confidences: tuple[float, ...] = ()
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page: path of the picture, number in that file (from 1), size in pixels, and lines in reading order.

    `creator` is named in the page's file; empty if it is not, or there is none. `predicted` counts the lines whose
    texts may be predictions (in PAGE, texts with an index of 1 or more).
    """

    filename: str
    width: int
    height: int
    lines: tuple[Line, ...]
    number: int = 1
    creator: str = ""
    predicted: int = 0


def to_points(places: Iterable[Iterable[float]]) -> tuple[Point, ...]:
    """Returns places (x, y) on a page as points with one decimal."""
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in places)


def turn_line(line: Line) -> Line:
    """Returns a line whose letters stand on their heads: read from its other end, its baseline on their other side.

    The outline's points are those above the baseline's, from left to right, then those below, from right to left.
    """
    above, below = line.polygon[: len(line.baseline)], line.polygon[: -len(line.baseline) - 1 : -1]
    mirrored = to_points(
        (top + bottom - x, upper + lower - y)
        for (top, upper), (bottom, lower), (x, y) in zip(above, below, line.baseline)
    )
    return replace(line, baseline=mirrored[::-1])


def rotate_page(page: Page) -> Page:
    """Returns the page as it lies in its picture turned by 180 degrees."""

    def turned(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return to_points((page.width - 1 - x, page.height - 1 - y) for x, y in points)

    def turned_word(word: PageWord) -> PageWord:
        left, top, width, height = word.box
        corner = page.width - 1 - left - width, page.height - 1 - top - height
        return replace(word, box=(*corner, width, height))

    lines = (
        replace(
            line,
            polygon=turned(line.polygon),
            baseline=turned(line.baseline),
            words=tuple(map(turned_word, line.words)),
        )
        for line in page.lines
    )
    return replace(page, lines=tuple(lines))

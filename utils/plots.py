"""Line charts and histograms as pictures, drawn by OpenCV: enough for curves and counts."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from utils.files import atomic_write

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 44, 46
INK, FAINT, PAPER = (40, 35, 31), (217, 209, 201), 255
# Blue, orange, green and red; OpenCV counts channels from blue.
COLOURS = [(218, 105, 9), (0, 76, 188), (55, 127, 26), (46, 34, 207)]


def line_panel(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> np.ndarray:
    """Lines through (x, y) points, x whole, y from 0; values that are no numbers are left out.

    Returns:
        uint8 (HEIGHT, WIDTH, 3), BGR.
    """
    lines = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in series.items()
    }
    points = [point for line in lines.values() for point in line] or [(0, 0)]
    xs, ys = zip(*points)
    panel = _Panel(title, (min(xs), max(xs)), max(ys))
    panel.x_labels([(x, f"{x:g}") for x in round_values(min(xs), max(xs), whole=True)])
    for index, (name, line) in enumerate((name, line) for name, line in lines.items() if line):
        panel.line(line, COLOURS[index % len(COLOURS)])
        panel.key(name, index)
    return panel.picture


def histogram_panel(title: str, values: Sequence[float], bins: int = 30) -> np.ndarray:
    """How many values lie in each of `bins` equal parts of their range (whole numbers get whole parts).

    Returns:
        uint8 (HEIGHT, WIDTH, 3), BGR.
    """
    if not len(values):
        return _Panel(title, (0, 1), 1).picture
    low, high = min(values), max(values)
    width = max(1, math.ceil((high - low + 1) / bins))
    edges = np.arange(low, high + width + 1, width)
    counts, _ = np.histogram(values, edges)
    panel = _Panel(title, (float(edges[0]), float(edges[-1])), float(counts.max()))
    panel.x_labels([(x, f"{x:g}") for x in round_values(low, high, whole=True)])
    for left, right, count in zip(edges, edges[1:], counts):
        panel.bar(float(left), float(right), float(count))
    return panel.picture


def bar_panel(title: str, counts: Mapping[str, int]) -> np.ndarray:
    """One bar per name; uint8 (HEIGHT, WIDTH, 3), BGR. Names that OpenCV can't write are code points."""
    panel = _Panel(title, (0, max(1, len(counts))), max(counts.values(), default=0))
    step = max(1, math.ceil(len(counts) / 40))
    names = [name if name.isascii() else f"{ord(name[0]):x}" for name in counts]
    panel.x_labels([(i + 0.5, name) for i, name in enumerate(names) if i % step == 0])
    for index, count in enumerate(counts.values()):
        panel.bar(index, index + 1, count)
    return panel.picture


def save_panels(path: str | Path, panels: Sequence[np.ndarray], columns: int = 2) -> None:
    """Writes panels side by side and line by line as one PNG, atomically.

    Raises:
        UserError: the file can't be written.
    """
    blank = np.full_like(panels[0], PAPER)
    padded = [*panels, *[blank] * (-len(panels) % columns)]
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    data = cv2.imencode(".png", np.vstack(rows))[1].tobytes()
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


class _Panel:
    """Axes with a title, and how values become pixels."""

    def __init__(self, title: str, across: tuple[float, float], top: float) -> None:
        self.low, self.high = across if across[1] > across[0] else (across[0] - 0.5, across[0] + 0.5)
        ticks = round_values(0, top if top > 0 else 1)
        self.top = max(top, ticks[-1])
        self.picture = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
        self._text(title, (LEFT, 26), 0.6)
        for value in ticks:
            y = self._y(value)
            cv2.line(self.picture, (LEFT, y), (WIDTH - RIGHT, y), FAINT, 1)
            self._text(f"{value:g}", (LEFT - 8, y + 5), align=1.0)

    def x_labels(self, labels: Sequence[tuple[float, str]]) -> None:
        for value, name in labels:
            self._text(name, (self._x(value), HEIGHT - BOTTOM + 20), align=0.5)

    def line(self, points: Sequence[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        places = [(self._x(x), self._y(y)) for x, y in points]
        cv2.polylines(self.picture, [np.array(places, np.int32)], False, colour, 2, cv2.LINE_AA)
        for place in places:
            cv2.circle(self.picture, place, 3, colour, -1, cv2.LINE_AA)

    def bar(self, left: float, right: float, value: float) -> None:
        if value > 0:
            corner = max(self._x(left), self._x(right) - 1)
            cv2.rectangle(self.picture, (self._x(left), self._y(value)), (corner, self._y(0)), COLOURS[0], -1)

    def key(self, name: str, index: int) -> None:
        colour = COLOURS[index % len(COLOURS)]
        self._text(name, (WIDTH - RIGHT, TOP + 14 + 20 * index), colour=colour, align=1.0)

    def _x(self, value: float) -> int:
        return round(LEFT + (value - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT))

    def _y(self, value: float) -> int:
        return round(HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM))

    def _text(
        self,
        text: str,
        place: tuple[int, int],
        size: float = 0.45,
        colour: tuple[int, int, int] = INK,
        align: float = 0.0,
    ) -> None:
        """`align` is the part of the text that stands left of the place."""
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        start = (round(place[0] - align * width), place[1])
        cv2.putText(self.picture, text, start, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def round_values(low: float, high: float, whole: bool = False) -> list[float]:
    """About five round numbers from `low` to `high`, for an axis; `whole`: integers only."""
    span = high - low or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]

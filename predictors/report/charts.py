"""Small charts as inline SVG; colours come from the page's style, so they follow light and dark."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from metrics.calibration import Bin
from predictors.report.statistics import Share
from utils.plots import round_values

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 14, 40


def line_chart(title: str, across: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines through (x, y) points, y from 0; points that are no numbers are left out.

    Args:
        across: what the x axis counts.
        series: name -> points; "" if none has any.
    """
    lines = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in series.items()
    }
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    xs, ys = zip(*(point for points in lines.values() for point in points))
    axes = _Axes((min(xs), max(xs)), (0.0, max(ys)))
    parts = axes.frame(across, [(x, f"{x:g}") for x in round_values(min(xs), max(xs), whole=True)])
    for index, (name, points) in enumerate(lines.items()):
        path = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in points)
        parts.append(f'<polyline class="line series{index}" points="{path}"/>')
        parts += [
            _dot(axes.x(x), axes.y(y), f"series{index}", f"{name}, {across} {x:g}: {y:.4g}")
            for x, y in points
        ]
        parts.append(
            f'<text class="key series{index}" x="{WIDTH - RIGHT}" y="{TOP + 12 + 16 * index}" '
            f'text-anchor="end">{escape(name)}</text>'
        )
    return _svg(title, parts)


def bar_chart(title: str, across: str, shares: Sequence[Share]) -> str:
    """One bar per share, as high as its error rate in per cent."""
    if not shares:
        return ""
    axes = _Axes((0, len(shares)), (0.0, max(100 * share.rate for share in shares) or 1.0))
    parts = axes.frame(across, [(i + 0.5, share.name) for i, share in enumerate(shares)])
    for i, share in enumerate(shares):
        tip = f"{across} {share.name}: {share.rate:.2%} of {share.count} characters"
        parts.append(axes.bar(i + 0.1, i + 0.9, 100 * share.rate, "bar", tip))
    return _svg(title, parts)


def reliability_diagram(title: str, bins: Sequence[Bin], before: Sequence[Bin] = ()) -> str:
    """Accuracy of each confidence bin; on the diagonal the confidences are honest (Guo et al. 2017).

    Args:
        before: the bins before calibration, drawn as dots of another colour.
    """
    axes = _Axes((0.0, 100.0), (0.0, 100.0))
    parts = axes.frame("confidence, %", [(x, f"{x:g}") for x in range(0, 101, 20)])
    for part in bins:
        if part.count:
            tip = f"{part.count} words of confidence {part.confidence:.1%}: {part.accuracy:.1%} are right"
            parts.append(
                axes.bar(100 * part.low + 0.5, 100 * part.high - 0.5, 100 * part.accuracy, "bar", tip)
            )
            parts.append(_dot(axes.x(100 * part.confidence), axes.y(100 * part.accuracy), "series1", tip))
    for part in before:
        if part.count:
            tip = f"{part.count} words of confidence {part.confidence:.1%} before calibration"
            parts.append(_dot(axes.x(100 * part.confidence), axes.y(100 * part.accuracy), "before", tip))
    parts.append(
        f'<line class="diagonal" x1="{axes.x(0)}" y1="{axes.y(0)}" x2="{axes.x(100)}" y2="{axes.y(100)}"/>'
    )
    return _svg(title, parts)


class _Axes:
    """Where values lie in the picture."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        self.across = across if across[1] > across[0] else (across[0] - 0.5, across[0] + 0.5)
        self.up_ticks = round_values(up[0], up[1] or 1.0)
        self.top = max(up[1], self.up_ticks[-1]) or 1.0

    def x(self, value: float) -> float:
        low, high = self.across
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def frame(self, across: str, ticks: Sequence[tuple[float, str]]) -> list[str]:
        parts = []
        for value in self.up_ticks:
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value, name in ticks:
            x, y = self.x(value), HEIGHT - BOTTOM + 16
            parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{escape(name)}</text>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>')
        return parts

    def bar(self, start: float, end: float, value: float, kind: str, tip: str) -> str:
        x, y, width = self.x(start), self.y(value), self.x(end) - self.x(start)
        return (
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{self.y(0) - y:.1f}"><title>{escape(tip)}</title></rect>'
        )


def _dot(x: float, y: float, kind: str, tip: str) -> str:
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(tip)}</title></circle>'


def _svg(title: str, parts: list[str]) -> str:
    content, name = "\n".join(parts), escape(title)
    return (
        f'<figure class="chart"><figcaption>{name}</figcaption>\n'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">\n{content}\n</svg></figure>'
    )

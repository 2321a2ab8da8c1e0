"""Charts as PNG files, images or inline SVG.

matplotlib is imported on use, since that takes over a second.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from metrics.calibration import Bin
from utils.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, orange, green and red, readable on white and on black.
COLOURS = ("#3b82d6", "#d9730d", "#2e9e57", "#d64550")
MOST_NAMES = 40  # on the x axis of a bar chart


def make_figure(rows: int = 1, columns: int = 1, size: tuple[float, float] = (4.8, 2.8)) -> tuple[Figure, list[Axes]]:
    """Returns a figure and its axes, row by row; `size` is each one's with its labels, in inches (100 pixels)."""
    from matplotlib.figure import Figure

    figure = Figure((columns * size[0], rows * size[1]), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def plot_curves(
    axes: Axes, title: str, rows: Sequence[Mapping[str, float]], names: Sequence[str], factor: float = 1.0
) -> None:
    """Draws a line per name: `factor` times its finite values over a history's rows, {"epoch": 1, "loss": 2.5, ...}."""
    from matplotlib.ticker import MaxNLocator

    _frame(axes, title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for name, colour in zip(names, COLOURS):
        known = [row for row in rows if "epoch" in row and math.isfinite(row.get(name, math.nan))]
        if known:
            values = [factor * row[name] for row in known]
            axes.plot([row["epoch"] for row in known], values, ".-", color=colour, label=name)
    if axes.lines:
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)


def plot_histogram(axes: Axes, title: str, values: Sequence[float], bins: int = 30) -> None:
    """Draws a histogram with at most `bins` bins, each a whole number wide."""
    _frame(axes, title)
    if len(values):
        low, high = min(values), max(values)
        width = max(1, math.ceil((high - low + 1) / bins))
        axes.hist(values, np.arange(low, high + width + 1, width).tolist(), color=COLOURS[0])


def plot_bars(axes: Axes, title: str, values: Mapping[str, float], labels: str = "") -> None:
    """Draws one bar per name, with numbers above in the format `labels`, such as `%.1f`."""
    _frame(axes, title)
    bars = axes.bar(range(len(values)), list(values.values()), color=COLOURS[0])
    step = max(1, math.ceil(len(values) / MOST_NAMES))
    names = [drawable(name) for name in values]
    axes.set_xticks(range(0, len(names), step), names[::step], parse_math=False)
    if labels:
        axes.bar_label(bars, fmt=labels, fontsize="small")


def plot_reliability(axes: Axes, title: str, bins: Sequence[Bin], before: Sequence[Bin] = ()) -> None:
    """Draws a reliability diagram (Guo et al. 2017), accuracy over confidence; rings: the bins before calibration."""
    _frame(axes, title)
    filled = [part for part in bins if part.count]
    axes.bar(
        [100 * part.low for part in filled],
        [100 * part.accuracy for part in filled],
        width=[100 * (part.high - part.low) for part in filled],
        align="edge",
        color=COLOURS[0],
        alpha=0.5,
        edgecolor=COLOURS[0],
    )
    axes.plot([0, 100], [0, 100], "--", color="black", linewidth=1)
    for parts, face in ((filled, COLOURS[1]), (before, "none")):
        points = [(100 * part.confidence, 100 * part.accuracy) for part in parts if part.count]
        if points:
            xs, ys = zip(*points)
            axes.scatter(xs, ys, s=16, facecolor=face, edgecolor=COLOURS[1], zorder=3)
    axes.set(xlim=(0, 100), ylim=(0, 102), xlabel="confidence, %")


def save_png(path: str | Path, figure: Figure) -> None:
    """Writes the figure as a PNG file, atomically; raises UserError if the file can't be written."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def as_image(figure: Figure) -> Image.Image:
    """Returns the figure as an RGB image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return Image.open(buffer).convert("RGB")


def as_svg(figure: Figure) -> str:
    """Returns the figure as an `svg` element for an HTML page, light or dark.

    The background is transparent, and black becomes the page's text colour. Style attributes, which a strict content
    security policy forbids, become presentation attributes.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'<metadata>.*?</metadata>|<style.*?</style>|(?<=<g) id="[^"]*"', "", text, flags=re.DOTALL)
    text = re.sub(r' style="([^"]*)"', lambda match: _attributes(match[1]), text)
    root = '<svg fill="currentColor" stroke-linejoin="round" '
    return text.replace("#000000", "currentColor").replace("<svg ", root, 1)


def drawable(text: str) -> str:
    """Returns `text` with its code point (U+XXXX) in place of each character that the font lacks."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    return "".join(c if c.isprintable() and font.get_char_index(ord(c)) else f"U+{ord(c):04X}" for c in text)


def _frame(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="black", alpha=0.15)
    axes.set_axisbelow(True)


def _attributes(style: str) -> str:
    declarations = (part.partition(":") for part in style.split(";") if part.strip())
    return "".join(f' {name.strip()}="{value.strip()}"' for name, _, value in declarations)

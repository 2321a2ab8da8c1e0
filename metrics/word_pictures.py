"""Pictures of words: with the texts read in them, and with the network's attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from metrics.plots import drawable, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT, WRONG, INK = "#1a7f37", "#cf222e", "#1f2328"
GLOW = (240 / 255, 90 / 255, 0)
STRONGEST = 0.7  # opacity of the largest weight


def draw_words(
    images: Sequence[np.ndarray],
    texts: Sequence[str],
    labels: Sequence[str | None],
    columns: int = 4,
    cell: tuple[int, int] = (230, 72),
) -> Figure:
    """Draws word images above the texts read in them: green if right, red with the label if wrong.

    `images` are uint8 (h, w) or (h, w, 3), `labels` the true texts, None where one isn't known; `cell` is the width and
    height for an image, in pixels; larger images are shrunk.
    """
    size = cell[0] / 100 + 0.1, cell[1] / 100 + (0.35 if any(texts) else 0.1)
    figure, cells = make_figure(-(-len(images) // columns), columns, size)
    for axes in cells:
        _hide_frame(axes)
    for axes, image, text, label in zip(cells, images, texts, labels):
        height, width = image.shape[:2]
        _show(axes, image)
        half = max(1, width / cell[0], height / cell[1]) * np.array(cell) / 2
        axes.set_xlim(width / 2 - half[0], width / 2 + half[0])
        axes.set_ylim(height / 2 + half[1], height / 2 - half[1])
        right = label in (None, text)
        colour = INK if label is None else RIGHT if right else WRONG
        shown = drawable(text if right else f"{text}  (is {label})")
        axes.set_xlabel(shown, color=colour, parse_math=False)
    return figure


def draw_attention(words: Sequence[tuple[np.ndarray, str, np.ndarray]], stride: int) -> Figure:
    """Draws each word once per character and once for its end, with the weights of that step laid over it.

    `words` are image (uint8, as the network reads it), text, and weights (characters + 1, columns), of which a row is
    shown relative to its largest; `stride` is the pixels of the image per column.
    """
    from matplotlib.patches import Rectangle

    rows = max(len(weights) for _, _, weights in words)
    widest = max(image.shape[1] for image, _, _ in words)
    inches = 0.6
    size = inches * widest / len(words[0][0]) + inches, 1.15 * inches
    figure, cells = make_figure(rows, len(words), size)
    for axes in cells:
        _hide_frame(axes)
    for column, (image, text, weights) in enumerate(words):
        for axes, name, row in zip(cells[column :: len(words)], [*map(drawable, text), "end"], weights):
            _show(axes, image)
            opacity = STRONGEST * row / max(float(row.max()), 1e-9)
            overlay = np.array([[(*GLOW, alpha) for alpha in opacity]])
            height, width = image.shape[:2]
            glow = axes.imshow(overlay, extent=(0, stride * len(row), height, 0), interpolation="nearest")
            glow.set_clip_path(Rectangle((0, 0), width, height, transform=axes.transData))
            axes.set(xlim=(0, widest), ylim=(height, 0))
            axes.set_ylabel(name, color=INK, rotation=0, ha="right", va="center", parse_math=False)
    return figure


def _hide_frame(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(0, image.shape[1], image.shape[0], 0))

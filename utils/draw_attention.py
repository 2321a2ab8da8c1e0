"""Pictures of where a network looks while it writes."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils.escaping import one_line

SCALE = 2
NAME_WIDTH, MARGIN, TEXT_SIZE = 44, 6, 20
INK, GLOW = "#1f2328", np.array([240, 90, 0], np.float32)
STRONGEST = 0.7  # opacity of the largest weight


def draw_attention(image: np.ndarray, text: str, weights: np.ndarray, stride: int) -> Image.Image:
    """The word once for each character and for its end, with the weights of that step laid over it.

    Args:
        image: uint8 (h, w) or (h, w, 3), as the network reads it.
        text: what is written, one character per row of `weights` but the last.
        weights: (characters + 1, columns); a row is shown relative to its largest weight.
        stride: pixels of the image per column.
    """
    rows = [_overlay(image, row, stride) for row in weights]
    height = rows[0].height + MARGIN
    picture = Image.new("RGB", (NAME_WIDTH + rows[0].width + MARGIN, len(rows) * height + MARGIN), "white")
    canvas, font = ImageDraw.Draw(picture), ImageFont.load_default(size=TEXT_SIZE)
    for index, (name, row) in enumerate(zip([*map(one_line, text), "end"], rows, strict=True)):
        top = MARGIN + index * height
        canvas.text((MARGIN, top + (row.height - TEXT_SIZE) // 2), name, fill=INK, font=font)
        picture.paste(row, (NAME_WIDTH, top))
    return picture


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures in one row, aligned at the top."""
    height = max(picture.height for picture in pictures)
    joined = Image.new("RGB", (sum(picture.width for picture in pictures), height), "white")
    left = 0
    for picture in pictures:
        joined.paste(picture, (left, 0))
        left += picture.width
    return joined


def _overlay(image: np.ndarray, weights: np.ndarray, stride: int) -> Image.Image:
    grey = image.reshape(*image.shape[:2], -1).astype(np.float32)
    colours = np.broadcast_to(grey, (*image.shape[:2], 3))
    opacity = STRONGEST * weights / max(float(weights.max()), 1e-9)
    opacity = np.repeat(opacity, stride)[: image.shape[1]][None, :, None]
    mixed = Image.fromarray(np.round(colours * (1 - opacity) + GLOW * opacity).astype(np.uint8))
    return mixed.resize((SCALE * mixed.width, SCALE * mixed.height))

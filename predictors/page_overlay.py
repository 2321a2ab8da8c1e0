"""Draws the lines of a page, and what was read in them, over its picture."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from base.base_predictor import is_doubtful
from preprocessing.page.layout import Line, Page
from utils.paths import ROOT

BLUE, RED = (0, 110, 190), (200, 40, 30)
# Pillow's own font has no accented letters; this one has those of Western languages, Matplotlib's nearly all.
FONT = ROOT / "datasets" / "fonts" / "patrick-hand.woff2"
WESTERN = set(map(chr, range(0x100))) - {"µ"} | set("Œœ€‘’“”„–—…")
TEXT_HEIGHT = 0.38  # of a line's height
LONGEST = 2400  # pixels of the longer side


def draw_overlay(pixels: np.ndarray, page: Page, min_confidence: float | None = None) -> Image.Image:
    """Returns the picture, at most LONGEST pixels long, with outlines and text; what is below the limit is red.

    Args:
        pixels: of the page, uint8 (h, w) or (h, w, 3) RGB.
    """
    picture = Image.fromarray(pixels).convert("RGB")
    factor = min(1.0, LONGEST / max(picture.size))
    picture = picture.resize([max(1, round(side * factor)) for side in picture.size])
    draw = ImageDraw.Draw(picture, "RGBA")
    for line in page.lines:
        outline = _colour(line.confidence, min_confidence)
        draw.polygon([(x * factor, y * factor) for x, y in line.polygon], outline=outline, width=2)
    for line in page.lines:
        _write(draw, line, factor, min_confidence)
    return picture


def _write(draw: ImageDraw.ImageDraw, line: Line, factor: float, min_confidence: float | None) -> None:
    """Writes the words of a line above it, but within the picture."""
    # Across its direction: from its lowest to its highest point a slanted line is much higher.
    height = min(cv2.minAreaRect(np.array(line.polygon, np.float32))[1])
    font = ImageFont.truetype(_font_file(line.text), max(13.0, TEXT_HEIGHT * height * factor))
    for word in line.words:
        place = word.box[0] * factor, max(word.box[1] * factor, sum(font.getmetrics()))
        left, top, right, bottom = draw.textbbox(place, word.text, font, "ld")
        draw.rectangle((left - 2, top - 1, right + 2, bottom + 1), fill=(255, 255, 255, 205))
        draw.text(place, word.text, _colour(word.confidence, min_confidence), font, "ld")


def _font_file(text: str) -> Path:
    """Returns a font that has the characters of a text, if Matplotlib is installed."""
    if WESTERN.issuperset(text) or not (found := find_spec("matplotlib")) or not found.origin:
        return FONT
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


def _colour(confidence: float | None, min_confidence: float | None) -> tuple[int, int, int]:
    return RED if is_doubtful(confidence, min_confidence) else BLUE

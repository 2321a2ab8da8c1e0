"""A letter as photographed, rendered from a bundled font, beside what the shipped model reads in it."""

import cv2
import numpy as np
from PIL import Image

from data_generators.damage import KINDS
from data_generators.synthetic.fonts import fonts_of
from data_generators.synthetic.render import render_word
from predictors.page_overlay import draw_overlay
from utils.paths import ROOT

TEXT = (
    "Dear Ann,",
    "the museum was full of light this",
    "morning. We looked at the boats for",
    "an hour, and at the letters that",
    "the captain wrote from Cyprus in",
    "1873: almost nobody can read them",
    "today. I copied two for you.",
    "With love, your brother Tom",
)
FONT, SEED = 1, 20  # of those kept for testing, so never trained on
LETTER, PITCH, MARGIN, PAGE = 33, 138, 130, (1420, 1270)  # pixels
INK, PAPER = (38, 48, 104), (238, 228, 204)
SHOWN = 1000  # pixels of the picture's width


def page_figure(model: str) -> Image.Image:
    """Returns the photographed page, and beside it the same page with the text that `model` reads over it."""
    from predictors import load

    page = _photograph(_write(np.random.default_rng(SEED)), np.random.default_rng(SEED))
    read = load(ROOT / model).read_page(page)
    pair = [Image.fromarray(page), draw_overlay(page, read)]
    factor = SHOWN / 2 / page.shape[1]
    size = round(page.shape[1] * factor), round(page.shape[0] * factor)
    sheet = Image.new("RGB", (2 * size[0] + 8, size[1]), "white")
    for index, picture in enumerate(pair):
        sheet.paste(picture.resize(size, Image.Resampling.LANCZOS), (index * (size[0] + 8), 0))
    return sheet


def _write(rng: np.random.Generator) -> np.ndarray:
    """Returns the lines of TEXT one below the other, uint8 (h, w, 3)."""
    ink = np.zeros(PAGE[1::-1], np.float32)
    for number, text in enumerate(TEXT):
        line = render_word(text, fonts_of("test")[FONT], rng)
        factor = LETTER * len(text) / line.shape[1]
        line = cv2.resize(line, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        top, left = MARGIN + number * PITCH - len(line) // 2 + 30, MARGIN + int(rng.integers(0, 25))
        place = ink[top : top + len(line), left : left + line.shape[1]]
        np.maximum(place, _darkness(line)[: place.shape[0], : place.shape[1]], out=place)
    return ((1 - ink[..., None]) * PAPER + ink[..., None] * INK).astype(np.uint8)


def _darkness(line: np.ndarray) -> np.ndarray:
    """Returns 0 for paper to 1 for ink of any pen."""
    ink, paper = np.percentile(line, 2), np.median(line) - 12
    return np.clip((paper - line) / max(paper - ink, 1), 0, 1).astype(np.float32)


def _photograph(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the page with a shadow, the paper's texture, and a camera's perspective."""
    for kind, strength in (("texture", 0.4), ("shadow", 0.5), ("light", 0.4)):
        page = KINDS[kind](page, strength, rng)
    height, width = page.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + np.array([[40, 30], [-15, 55], [-50, -25], [20, -40]], np.float32)
    table = (96, 74, 58)
    turn = cv2.getPerspectiveTransform(corners, seen)
    return cv2.warpPerspective(page, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=table)

"""Handwriting-like words rendered from the bundled fonts, at the scale of IAM's word crops."""

from typing import Literal

import numpy as np

from data_generators.synthetic.accents import ACCENTED, draw_accented
from data_generators.synthetic.fonts import SPLITS, Font, font_of_form, fonts_of, load_fonts
from data_generators.synthetic.render import render_word
from data_generators.synthetic.texts import BEYOND_DICTIONARY, CHARSET, draw_text

Text = Literal["english", "accented"]
WORDS_PER_LINE = 8
WORDS_PER_FORM = 24  # A form has one font; forms are small, so that even a hundred words show several fonts.

__all__ = [
    "ACCENTED",
    "BEYOND_DICTIONARY",
    "CHARSET",
    "SPLITS",
    "WORDS_PER_FORM",
    "WORDS_PER_LINE",
    "Font",
    "Text",
    "draw_accented",
    "draw_text",
    "fonts_of",
    "load_fonts",
    "render_word",
    "sample",
]


def sample(
    seed: int, split: str, index: int, beyond_dictionary: float = BEYOND_DICTIONARY, text: Text = "english"
) -> tuple[np.ndarray, str, str]:
    """Renders word `index` (0, 1, ...) of a split ("train", "val" or "test"), a pure function of the arguments.

    `seed` is 0 or more; `beyond_dictionary`, 0 to 1, is the share of labels that are no words (`draw_text`); `text` is
    "english", or "accented": French, German and Spanish words with accents. Returns image (uint8, height x width, ink
    dark on paper near 255), label, writer (the font's id).
    """
    font = font_of_form(seed, split, index // WORDS_PER_FORM, accented=text == "accented")
    rng = np.random.default_rng([seed, SPLITS.index(split), index])
    draw = draw_accented if text == "accented" else draw_text
    label = draw(rng, font.charset, beyond_dictionary)
    return render_word(label, font, rng), label, font.writer

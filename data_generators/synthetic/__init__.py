"""Handwriting-like words and lines rendered from the bundled fonts, at the scale of IAM's word crops."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from data_generators.synthetic.accents import ACCENTED, draw_accented
from data_generators.synthetic.fonts import SPLITS, Font, font_of_form, fonts_of, load_fonts
from data_generators.synthetic.render import render_word
from data_generators.synthetic.texts import BEYOND_DICTIONARY, CHARSET, append_text, draw_text
from utils.config.synthetic import SyntheticConfig

Text = Literal["english", "accented"]
WORDS_PER_LINE = 8
LONGEST = 100  # characters of a line
WORDS_PER_FORM = 24  # A form has one font; forms are small, so that even a hundred words show several fonts.

__all__ = [
    "ACCENTED",
    "BEYOND_DICTIONARY",
    "CHARSET",
    "LONGEST",
    "SPLITS",
    "WORDS",
    "WORDS_PER_FORM",
    "WORDS_PER_LINE",
    "Font",
    "Text",
    "Texts",
    "draw_accented",
    "draw_text",
    "fonts_of",
    "load_fonts",
    "render_word",
    "sample",
]


@dataclass(frozen=True)
class Texts:
    """Labels that are drawn.

    Attributes:
        text: "english", or "accented": French, German and Spanish words with accents.
        beyond_dictionary: 0 to 1, share of the words that are in no dictionary (`draw_text`).
        most_words: a label has 1 to so many, parted by spaces (but not from the marks behind them), of LONGEST
            characters at most.
    """

    text: Text = "english"
    beyond_dictionary: float = BEYOND_DICTIONARY
    most_words: int = 1

    @classmethod
    def of(cls, settings: SyntheticConfig) -> "Texts":
        """Returns the labels that a config asks for."""
        return cls(settings.text, settings.beyond_dictionary, settings.most_words)


WORDS = Texts()


def sample(seed: int, split: str, index: int, texts: Texts = WORDS) -> tuple[np.ndarray, str, str]:
    """Renders label `index` (0, 1, ...) of a split ("train", "val" or "test"), a pure function of the arguments.

    `seed` is 0 or more. Returns image (uint8, height x width, ink dark on paper near 255), label, writer (the font's
    id).
    """
    font = font_of_form(seed, split, index // WORDS_PER_FORM, accented=texts.text == "accented")
    rng = np.random.default_rng([seed, SPLITS.index(split), index])
    draw = draw_accented if texts.text == "accented" else draw_text
    # Single words keep the random numbers that they always had.
    number = int(rng.integers(1, texts.most_words + 1)) if texts.most_words > 1 else 1
    label = draw(rng, font.charset, texts.beyond_dictionary)
    for _ in range(number - 1):
        longer = append_text(label, draw(rng, font.charset, texts.beyond_dictionary))
        label = longer if len(longer) <= LONGEST else label
    return render_word(label, font, rng), label, font.writer

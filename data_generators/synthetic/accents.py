"""Labels with accents: French, German and Spanish words, for models that learn new characters."""

from pathlib import Path

import numpy as np

from data_generators.synthetic.texts import LOWER, blend, draw_word, pick, with_case
from utils.paths import WORDS_FILE

ACCENTED_FILE: Path = WORDS_FILE.with_name("accented.tsv")
# Letters of the three languages that English lacks; ß has no capital of one letter.
ACCENTED = "àáâäçèéêëíîïñóôöùúûüœ"
ACCENTED += ACCENTED.upper() + "ß"


def draw_accented(rng: np.random.Generator, charset: frozenset[str], beyond_dictionary: float) -> str:
    """Draws a label of 1 to about 20 characters of `charset`, at least one of them accented.

    `charset` should contain most of `ACCENTED`; `beyond_dictionary`, 0 to 1, is the share of labels that are no words.
    """
    while True:
        if rng.random() < beyond_dictionary:
            text = pick(rng, (_recombined, _scattered, _letters))(rng)
        else:
            text = with_case(draw_word(rng, ACCENTED_FILE), rng)
        # Capitals may have lost the accent: ß becomes SS.
        if not text.isascii() and charset.issuperset(text):
            return text


def _recombined(rng: np.random.Generator) -> str:
    return with_case(blend(draw_word(rng, ACCENTED_FILE), draw_word(rng, ACCENTED_FILE), rng), rng)


def _scattered(rng: np.random.Generator) -> str:
    """Returns an English word with one to three letters replaced by accented ones."""
    letters = list(draw_word(rng))
    for _ in range(rng.integers(1, 4)):
        letters[int(rng.random() * len(letters))] = pick(rng, ACCENTED)
    return "".join(letters)


def _letters(rng: np.random.Generator) -> str:
    return "".join(pick(rng, ACCENTED if rng.random() < 0.5 else LOWER) for _ in range(1 + rng.poisson(2.5)))

"""Labels with accents: French, German and Spanish words, for models that learn new characters."""

from pathlib import Path

import numpy as np

from data_generators.synthetic.texts import LOWER, draw_word, pick
from utils.paths import WORDS_FILE

ACCENTED_FILE: Path = WORDS_FILE.with_name("accented.tsv")
# What three languages have beyond the English letters; ß has no capital of one letter.
ACCENTED = "àáâäçèéêëíîïñóôöùúûüœ"
ACCENTED += ACCENTED.upper() + "ß"
_CAPITALISED, _CAPITALS = 0.14, 0.007  # as in the English texts


def draw_accented(rng: np.random.Generator, charset: frozenset[str], beyond_dictionary: float) -> str:
    """One random label of 1 to about 20 characters of `charset`, at least one of them accented.

    Args:
        charset: characters that may occur; should hold most of `ACCENTED`.
        beyond_dictionary: 0 to 1, share of labels that are no words.
    """
    while True:
        if rng.random() < beyond_dictionary:
            text = pick(rng, (_recombined, _scattered, _letters))(rng)
        else:
            text = _cased(draw_word(rng, ACCENTED_FILE), rng)
        # Capitals may have lost the accent: ß becomes SS.
        if not text.isascii() and charset.issuperset(text):
            return text


def _cased(word: str, rng: np.random.Generator) -> str:
    roll = rng.random()
    if roll < _CAPITALISED:
        return word[0].upper() + word[1:]
    return word.upper() if roll < _CAPITALISED + _CAPITALS else word


def _recombined(rng: np.random.Generator) -> str:
    """The beginning of one word and the end of another."""
    first, second = draw_word(rng, ACCENTED_FILE), draw_word(rng, ACCENTED_FILE)
    front = first[: rng.integers(1, len(first) + 1)]
    return _cased(front + second[rng.integers(0, len(second)) :], rng)


def _scattered(rng: np.random.Generator) -> str:
    """An English word in which one to three letters have given way to accented ones."""
    letters = list(draw_word(rng))
    for _ in range(rng.integers(1, 4)):
        letters[int(rng.random() * len(letters))] = pick(rng, ACCENTED)
    return "".join(letters)


def _letters(rng: np.random.Generator) -> str:
    return "".join(pick(rng, ACCENTED if rng.random() < 0.5 else LOWER) for _ in range(1 + rng.poisson(2.5)))

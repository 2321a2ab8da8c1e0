"""Random labels with IAM's mixture of words, punctuation and numbers, and more rarities."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from utils.paths import WORDS_FILE

Draw = Callable[[np.random.Generator], str]

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
# IAM's printable characters; its word labels contain no space.
CHARSET = "!\"#&'()*+,-./" + DIGITS + ":;?" + UPPER + LOWER

# The rest of the word list is too rare to be drawn; lexicon decoding uses it.
_WORDS = 40_000
# Exponent of the frequencies: below 1, rare words are drawn more often than they occur in texts.
_TEMPER = 0.85
# Relative frequencies of marks that stand alone in IAM, with a floor for rare ones.
_MARKS = {
    ".": 155, ",": 155, '"': 52, "-": 22, "'": 20, "(": 14, ")": 14, ";": 12, ":": 12, "?": 10, "!": 10,
    "#": 5, "...": 3, "*": 2, "&": 4, "/": 1, "+": 1,
}  # fmt: skip
_ABBREVIATIONS = ("Mr.", "Mrs.", "Dr.", "St.", "M.P.", "U.S.", "etc.", "i.e.", "e.g.", "No.", "p.m.", "a.m.")
_ATTACHED = (("", ","), ("", "."), ("", "?"), ('"', ""), ("", '"'), ("(", ")"), ("'", "'"))  # before, after
# Marks that follow a word without a blank.
_CLOSING = frozenset((".", ",", ";", ":", "?", "!", ")", "..."))
_PRONOUN = ("i", "i'm", "i'd", "i'll", "i've")


def draw_text(rng: np.random.Generator, charset: frozenset[str], beyond_dictionary: float) -> str:
    """Draws a label of 1 to about 20 characters of `charset`, without spaces.

    `charset` should contain at least the lower-case letters; `beyond_dictionary`, 0 to 1, is the share of pseudo-words,
    random letters and the like.
    """
    while True:
        text = (_draw_beyond if rng.random() < beyond_dictionary else _draw_usual)(rng)(rng)
        if charset.issuperset(text):
            return text


def append_text(line: str, text: str) -> str:
    """Returns a line with one more text: parted by a blank, but for what stands in brackets and marks behind words."""
    return f"{line}{text}" if text in _CLOSING or line.endswith("(") else f"{line} {text}"


@functools.cache
def load_words(file: Path = WORDS_FILE) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the most frequent words of a list, and their cumulated tempered frequencies (last is 1.0)."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[:_WORDS]]
    weights = np.array([float(frequency) for _, frequency in rows]) ** _TEMPER
    return tuple(word for word, _ in rows), np.cumsum(weights) / weights.sum()


def draw_word(rng: np.random.Generator, file: Path = WORDS_FILE) -> str:
    """Draws a word of a word list, frequent ones more often."""
    words, cumulated = load_words(file)
    return words[min(int(np.searchsorted(cumulated, rng.random(), side="right")), len(words) - 1)]


def pick(rng: np.random.Generator, options: Sequence) -> Any:
    """Draws an element of a sequence; much faster than `Generator.choice`."""
    return options[int(rng.random() * len(options))]


def with_case(word: str, rng: np.random.Generator) -> str:
    """Returns the word capitalised, in capitals or unchanged, in about IAM's shares."""
    roll = rng.random()
    if roll < 0.14:
        return word[0].upper() + word[1:]
    return word.upper() if roll < 0.147 else word


def blend(first: str, second: str, rng: np.random.Generator) -> str:
    """Joins a beginning of one word and an end of another: looks like the language, is in no dictionary."""
    front = first[: rng.integers(1, len(first) + 1)]
    return front + second[rng.integers(0, len(second)) :]


def _word(rng: np.random.Generator) -> str:
    word = draw_word(rng)
    return word.capitalize() if word in _PRONOUN else word


def _dictionary_word(rng: np.random.Generator) -> str:
    return with_case(_word(rng), rng)


def _number(rng: np.random.Generator) -> str:
    roll = rng.random()
    if roll < 0.3:
        return str(rng.integers(1700, 2030))
    if roll < 0.75:
        return str(rng.integers(0, 10 ** int(rng.integers(1, 5))))
    if roll < 0.85:
        return f"{rng.integers(1, 1000)},{rng.integers(0, 1000):03d}"
    if roll < 0.93:
        return f"{rng.integers(0, 100)}.{rng.integers(0, 100)}"
    return f"{rng.integers(1, 100)}{pick(rng, ('th', 'st', '/6', '-year-old', ':30', 's'))}"


def _abbreviation(rng: np.random.Generator) -> str:
    if rng.random() < 0.6:
        return pick(rng, _ABBREVIATIONS)
    initials = [pick(rng, UPPER) for _ in range(rng.integers(1, 4))]
    return "".join(letter + "." for letter in initials) if rng.random() < 0.6 else "".join(initials)


def _hyphenated(rng: np.random.Generator) -> str:
    word = _word(rng)
    if rng.random() < 0.5:
        return word[: max(2, len(word) // 2)] + "-"  # broken at the end of a line
    return f"{word}-{_word(rng)}"


def _possessive(rng: np.random.Generator) -> str:
    return _word(rng).split("'")[0].capitalize() + pick(rng, ("'s", "'s", "'s", "s'"))


def _recombined(rng: np.random.Generator) -> str:
    word = blend(_word(rng), _word(rng), rng)
    return word.capitalize() if rng.random() < 0.15 else word


def _shuffled(rng: np.random.Generator) -> str:
    return "".join(rng.permutation(list(_word(rng))))


def _random_case(rng: np.random.Generator) -> str:
    word = _word(rng)
    if rng.random() < 0.5:
        return word.upper()
    return "".join(char.upper() if flip else char for char, flip in zip(word, rng.random(len(word)) < 0.4))


def _letters(rng: np.random.Generator) -> str:
    alphabet = pick(rng, (LOWER, LOWER, UPPER + LOWER, UPPER + DIGITS, UPPER, DIGITS))
    return "".join(pick(rng, alphabet) for _ in range(1 + rng.poisson(2.5)))


def _characters(rng: np.random.Generator) -> str:
    return "".join(pick(rng, CHARSET) for _ in range(rng.integers(1, 6)))


def _with_mark(rng: np.random.Generator) -> str:
    """Returns a word with an attached mark, as in badly separated crops."""
    before, after = pick(rng, _ATTACHED)
    return before + _word(rng) + after


def _weighted(shares: Mapping[Any, float]) -> Callable[[np.random.Generator], Any]:
    """Returns a function that draws a key, in proportion to its value."""
    options, weights = tuple(shares), np.array(list(shares.values()))
    limits = np.cumsum(weights)[:-1] / weights.sum()
    return lambda rng: options[np.searchsorted(limits, rng.random(), side="right")]


# In about IAM's shares.
_USUAL: dict[Draw, float] = {
    _dictionary_word: 0.800,
    _weighted(_MARKS): 0.138,
    _number: 0.020,
    _abbreviation: 0.017,
    _hyphenated: 0.014,
    _possessive: 0.014,
}
# In no dictionary, so that a network trained on them reads instead of guessing.
_BEYOND: dict[Draw, float] = {
    _recombined: 0.35,
    _shuffled: 0.09,
    _random_case: 0.12,
    _letters: 0.23,
    _characters: 0.09,
    _with_mark: 0.12,
}
_draw_usual, _draw_beyond = _weighted(_USUAL), _weighted(_BEYOND)

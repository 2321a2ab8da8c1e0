"""Random labels with IAM's mixture of words, punctuation and numbers, and more rarities."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from utils.paths import WORDS_FILE

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
# IAM's printable characters; a label of IAM's word list holds no space.
CHARSET = "!\"#&'()*+,-./" + DIGITS + ":;?" + UPPER + LOWER

# The rest of the file is too rare to be drawn often, and is there for reading.
_WORDS = 40_000
# Below 1, so that rare words are seen more often than in running text.
_TEMPER = 0.85
# Relative frequencies of marks that stand alone in IAM, with a floor for those it hardly has.
_MARKS = {
    ".": 155, ",": 155, '"': 52, "-": 22, "'": 20, "(": 14, ")": 14, ";": 12, ":": 12, "?": 10, "!": 10,
    "#": 5, "...": 3, "*": 2, "&": 4, "/": 1, "+": 1,
}  # fmt: skip
_ABBREVIATIONS = ("Mr.", "Mrs.", "Dr.", "St.", "M.P.", "U.S.", "etc.", "i.e.", "e.g.", "No.", "p.m.", "a.m.")
_ATTACHED = (("", ","), ("", "."), ("", "?"), ('"', ""), ("", '"'), ("(", ")"), ("'", "'"))  # before, after
_PRONOUN = ("i", "i'm", "i'd", "i'll", "i've")


# Default share of labels that are in no dictionary.
BEYOND_DICTIONARY = 0.17


def draw_text(
    rng: np.random.Generator,
    charset: frozenset[str] = frozenset(CHARSET),
    beyond_dictionary: float = BEYOND_DICTIONARY,
) -> str:
    """One random label: 1 to about 20 characters of `charset`, never empty, without spaces.

    Args:
        rng: the source of all choices.
        charset: characters that may occur; should hold at least the lower-case letters.
        beyond_dictionary: 0 to 1, share of pseudo-words, random letters and the like.
    """
    while True:
        beyond = rng.random() < beyond_dictionary
        kinds, limits = (_BEYOND, _BEYOND_LIMITS) if beyond else (_USUAL, _USUAL_LIMITS)
        text = kinds[np.searchsorted(limits, rng.random(), side="right")][1](rng)
        if charset.issuperset(text):
            return text


@functools.cache
def load_words(file: Path = WORDS_FILE) -> tuple[tuple[str, ...], np.ndarray]:
    """The most frequent words of a list in their order; the cumulated tempered frequencies (last is 1.0)."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[:_WORDS]]
    weights = np.array([float(frequency) for _, frequency in rows]) ** _TEMPER
    return tuple(word for word, _ in rows), np.cumsum(weights) / weights.sum()


def draw_word(rng: np.random.Generator, file: Path = WORDS_FILE) -> str:
    """One word of a word list, frequent ones more often."""
    words, cumulated = load_words(file)
    return words[min(int(np.searchsorted(cumulated, rng.random(), side="right")), len(words) - 1)]


def _word(rng: np.random.Generator) -> str:
    word = draw_word(rng)
    return word.capitalize() if word in _PRONOUN else word


def _dictionary_word(rng: np.random.Generator) -> str:
    word = _word(rng)
    roll = rng.random()
    if roll < 0.14:
        return word[0].upper() + word[1:]
    return word.upper() if roll < 0.147 else word


def _mark(rng: np.random.Generator) -> str:
    return _MARK_NAMES[np.searchsorted(_MARK_LIMITS, rng.random(), side="right")]


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
    word = _word(rng).split("'")[0].capitalize()
    return word + pick(rng, ("'s", "'s", "'s", "s'"))


def _recombined(rng: np.random.Generator) -> str:
    """The beginning of one word and the end of another: looks like English, is in no dictionary."""
    first, second = _word(rng), _word(rng)
    front = first[: rng.integers(1, len(first) + 1)]
    word = front + second[rng.integers(0, len(second)) :]
    return word.capitalize() if rng.random() < 0.15 else word


def _shuffled(rng: np.random.Generator) -> str:
    return "".join(rng.permutation(list(_word(rng))))


def _random_case(rng: np.random.Generator) -> str:
    word = _word(rng)
    if rng.random() < 0.5:
        return word.upper()
    return "".join(
        c.upper() if flip else c for c, flip in zip(word, rng.random(len(word)) < 0.4, strict=True)
    )


def _letters(rng: np.random.Generator) -> str:
    """Letters and digits in no order, each as likely as any other."""
    alphabet = pick(rng, (LOWER, LOWER, UPPER + LOWER, UPPER + DIGITS, UPPER, DIGITS))
    return "".join(pick(rng, alphabet) for _ in range(1 + rng.poisson(2.5)))


def _characters(rng: np.random.Generator) -> str:
    return "".join(pick(rng, CHARSET) for _ in range(rng.integers(1, 6)))


def _with_mark(rng: np.random.Generator) -> str:
    """A word with the mark that belongs to its neighbour still attached."""
    before, after = pick(rng, _ATTACHED)
    return before + _word(rng) + after


def pick(rng: np.random.Generator, options: Sequence) -> Any:
    """One element of a sequence; much faster than `Generator.choice`."""
    return options[int(rng.random() * len(options))]


# In about IAM's shares.
_USUAL: tuple[tuple[float, Callable[[np.random.Generator], str]], ...] = (
    (0.800, _dictionary_word),
    (0.138, _mark),
    (0.020, _number),
    (0.017, _abbreviation),
    (0.014, _hyphenated),
    (0.014, _possessive),
)
# In no dictionary, so that a network trained on them reads instead of guessing.
_BEYOND: tuple[tuple[float, Callable[[np.random.Generator], str]], ...] = (
    (0.35, _recombined),
    (0.09, _shuffled),
    (0.12, _random_case),
    (0.23, _letters),
    (0.09, _characters),
    (0.12, _with_mark),
)


def _limits(kinds: Sequence[tuple[float, Any]]) -> np.ndarray:
    """Cumulated shares without the last, for searchsorted."""
    shares = np.array([share for share, _ in kinds])
    return np.cumsum(shares)[:-1] / shares.sum()


_USUAL_LIMITS, _BEYOND_LIMITS = _limits(_USUAL), _limits(_BEYOND)
_MARK_NAMES = tuple(_MARKS)
_MARK_LIMITS = np.cumsum(list(_MARKS.values()))[:-1] / sum(_MARKS.values())

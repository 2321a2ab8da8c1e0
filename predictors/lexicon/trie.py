"""A lexicon as a trie of its words, for scoring the beginnings of words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from predictors.lexicon.words import ATTACHED, MARK, NUMBER, Lexicon, is_mark

OUTSIDE, ROOT, DIGITS = 0, 1, 2


@dataclass(frozen=True)
class Trie:
    """An automaton that reads a text character by character, upper case as lower case.

    State 0 is where texts come that begin like nothing in the lexicon, and is never left; 1 is the empty text; 2 a
    number. Punctuation may stand before a word and, in states of their own, behind it.

    Attributes:
        following: (states, classes) int32, the next state.
        beginning: (states,) float32, log probability of all words that begin like this; -inf in state 0.
        ending: (states,) float32, log probability of the text if it ends here; -inf where no word does.
        classes: (characters,) int32, the class of each character of the charset.
    """

    following: np.ndarray
    beginning: np.ndarray
    ending: np.ndarray
    classes: np.ndarray


def build_trie(lexicon: Lexicon, charset: str) -> Trie:
    """Returns the trie of those words of the lexicon that can be written with `charset`."""
    writable = {char.lower() for char in charset}
    kept = sorted(word for word in lexicon.words if word and writable.issuperset(word))
    alphabet = {char: index for index, char in enumerate(sorted(set().union(*kept)))}
    lengths = np.array([len(word) for word in kept], np.int64)
    letters = np.full((len(kept), lengths.max(initial=1)), -1, np.int32)
    for row, word in zip(letters, kept):
        row[: len(word)] = [alphabet[char] for char in word]
    state = _states(letters)
    ends = state[np.arange(len(kept)), lengths - 1]
    probability = np.array([lexicon.words[word] for word in kept])
    mass = np.bincount(state[letters >= 0], np.repeat(probability, lengths), state.max(initial=DIGITS) + 1)
    mass[ROOT] = 1.0
    with np.errstate(divide="ignore"):
        behind = np.log(probability) + ATTACHED
        beginning = np.concatenate([np.log(mass), behind]).astype(np.float32)
    ending = np.full(len(mass), -np.inf)
    ending[ends] = np.log(probability)
    ending[ROOT], ending[DIGITS], beginning[DIGITS] = MARK, NUMBER, NUMBER
    return Trie(
        _edges(letters, state, ends, alphabet),
        beginning,
        np.concatenate([ending, behind]).astype(np.float32),
        np.array([_class(char.lower()[:1], alphabet) for char in charset], np.int32),
    )


def _states(letters: np.ndarray) -> np.ndarray:
    """Returns the state behind each letter of sorted words; 0 behind their ends."""
    # A beginning is new where it differs from that of the word before.
    new = np.ones(letters.shape, bool)
    new[1:] = np.logical_or.accumulate(letters[1:] != letters[:-1], axis=1)
    new &= letters >= 0
    state = np.where(new, DIGITS + np.cumsum(new).reshape(new.shape), 0)
    return np.maximum.accumulate(state, axis=0) * (letters >= 0)


def _edges(letters: np.ndarray, state: np.ndarray, ends: np.ndarray, alphabet: Mapping[str, int]) -> np.ndarray:
    """`Trie.following`: words' own states come first, those behind each word and its punctuation last."""
    nodes = state.max(initial=DIGITS) + 1
    behind = nodes + np.arange(len(ends))
    following = np.zeros((nodes + len(ends), len(alphabet) + 3), np.int32)
    before = np.concatenate([np.full((len(state), 1), ROOT), state[:, :-1]], axis=1)
    following[before[letters >= 0], letters[letters >= 0]] = state[letters >= 0]

    def lead(starts, column: int, targets) -> None:
        here = following[starts, column]
        following[starts, column] = np.where(here == OUTSIDE, targets, here)

    for column in {len(alphabet), *(index for char, index in alphabet.items() if is_mark(char))}:
        lead([ROOT, DIGITS], column, [ROOT, DIGITS])
        lead(ends, column, behind)
        lead(behind, column, behind)
    for column in {len(alphabet) + 1, *(index for char, index in alphabet.items() if char.isdigit())}:
        lead([ROOT, DIGITS], column, DIGITS)
    return following


def _class(char: str, alphabet: Mapping[str, int]) -> int:
    """Returns a column of `Trie.following`: characters of the words first, then other marks, digits and the rest."""
    if char in alphabet:
        return alphabet[char]
    return len(alphabet) + (0 if is_mark(char) else 1 if char.isdigit() else 2)

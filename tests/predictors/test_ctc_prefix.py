"""Prefix probabilities of CTC, against sums over all paths."""

import itertools

import numpy as np
import pytest
from keras import ops

from predictors.ctc_prefix import CtcPrefix, ctc_forward
from predictors.joint_scorer import CtcForward
from preprocessing.tokenizer import END, PAD, START

A, B = 3, 4
COLUMNS = 5
TEXTS = [(), (A,), (B,), (A, A), (A, B), (B, A, B), (A, A, A)]


def spelled(path: tuple[int, ...]) -> tuple[int, ...]:
    """The CTC text of one id per column: repetitions once, blanks not at all."""
    return tuple(key for key, _ in itertools.groupby(path) if key != PAD)


@pytest.fixture(scope="module")
def probability() -> np.ndarray:
    """(2, COLUMNS, 5): of two words, the second of which has two padding columns."""
    values = np.zeros((2, COLUMNS, 5), np.float32)
    values[..., [PAD, A, B]] = np.random.default_rng(1).dirichlet(np.ones(3), size=(2, COLUMNS))
    values[1, 3:] = np.eye(5)[PAD]
    return values


def by_hand(columns: np.ndarray, text: tuple[int, ...]) -> np.ndarray:
    """(5,) probability of each next id, END included, of one word whose text begins with `text`."""
    mass = np.zeros(5)
    for path in itertools.product([PAD, A, B], repeat=COLUMNS):
        whole = spelled(path)
        if whole[: len(text)] == text:
            following = whole[len(text)] if len(whole) > len(text) else END
            mass[following] += np.prod([columns[s, key] for s, key in enumerate(path)])
    return mass / max(mass.sum(), 1e-30)


def follow(prefix: CtcPrefix, probability, text: tuple[int, ...]) -> np.ndarray:
    states = prefix.start(probability, np.full(2, START, np.int32))
    for last in (START, *text):
        following, states = prefix.step(probability, states, np.full(2, last, np.int32))
    return np.exp(ops.convert_to_numpy(following))


@pytest.mark.parametrize("backend", ["numpy", "keras"])
@pytest.mark.parametrize("text", TEXTS)
def test_next_characters_are_sums_over_paths(probability, backend, text):
    prefix = CtcPrefix(np, ctc_forward) if backend == "numpy" else CtcPrefix(ops, CtcForward())
    result = follow(prefix, probability, text)
    assert result.dtype == np.float32
    for word in range(2):
        expected = by_hand(probability[word], text)
        if word == 1 and text == (A, A, A):
            # Three equal characters need five columns, the word has three: no opinion, and no NaN.
            assert expected.sum() == 0 and np.ptp(result[word]) == 0
        else:
            np.testing.assert_allclose(result[word], expected, rtol=1e-4, atol=1e-6)


def test_texts_of_the_same_word(probability):
    """Rows of a beam are what they would be alone."""
    prefix = CtcPrefix(np, ctc_forward)
    texts = [(A, B), (B, B), (B, A), (A, A)]  # two of each word
    states = [np.repeat(s, 2, axis=0) for s in prefix.start(probability, np.full(2, START, np.int32))]
    for place in range(3):
        last = np.array([(START, *text)[place] for text in texts], np.int32)
        following, states = prefix.step(probability, states, last)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(np.exp(following[row]), by_hand(probability[row // 2], text), rtol=1e-4, atol=1e-6)


def test_hundreds_of_columns_stay_finite():
    rng = np.random.default_rng(3)
    sharp = rng.dirichlet(np.full(5, 0.01), size=(4, 300)).astype(np.float32)
    sharp[..., [START, END]] = 0
    prefix = CtcPrefix(np, ctc_forward)
    states, last = prefix.start(sharp, np.full(4, START, np.int32)), np.full(4, START, np.int32)
    for _ in range(60):
        following, states = prefix.step(sharp, states, last)
        assert np.isfinite(following).all() and all(np.isfinite(s).all() for s in states)
        last = rng.integers(A, B + 1, 4).astype(np.int32)

"""The most probable CTC path of a known text, against all paths."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.ctc_alignment import ctc_align
from preprocessing.tokenizer import PAD

A, B = 3, 4


def spelled(path):
    return [key for key, _ in itertools.groupby(path) if key != PAD]


@given(st.lists(st.sampled_from([A, B]), min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_path_is_the_most_probable_of_all_that_spell_the_text(ids, columns, seed):
    probability = np.zeros((columns, 5))
    probability[:, [PAD, A, B]] = np.random.default_rng(seed).dirichlet(np.ones(3), size=columns)
    paths = [path for path in itertools.product([PAD, A, B], repeat=columns) if spelled(path) == ids]
    middles, total = ctc_align(probability, ids)
    if not paths:
        assert total == -np.inf
        return
    logs = {path: sum(np.log(probability[s, key]) for s, key in enumerate(path)) for path in paths}
    best = max(logs.values())
    assert total == pytest.approx(best)
    # Paths can be as probable as each other only by chance, so the middles are those of the best one.
    path = max(logs, key=logs.__getitem__)
    runs = [list(run) for key, run in itertools.groupby(enumerate(path), key=lambda pair: pair[1]) if key != PAD]
    np.testing.assert_allclose(middles, [np.mean([column + 0.5 for column, _ in run]) for run in runs])


def test_two_equal_letters_are_parted_by_a_blank():
    probability = np.full((4, 5), 1e-6)
    for column, key in enumerate((A, A, PAD, A)):
        probability[column, key] = 1
    middles, total = ctc_align(probability, [A, A])
    np.testing.assert_array_equal(middles, [1.0, 3.5])
    assert total == pytest.approx(0)


def test_a_line_has_more_states_than_a_byte_counts():
    ids = [A, B] * 100
    probability = np.full((400, 5), 1e-6)
    probability[np.arange(400), [key for char in ids for key in (char, PAD)]] = 1
    middles, total = ctc_align(probability, ids)
    np.testing.assert_array_equal(middles, np.arange(200) * 2 + 0.5)
    assert total == pytest.approx(0)

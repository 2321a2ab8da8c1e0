"""The place of columns in the text, from CTC's probabilities."""

import keras
import numpy as np
import pytest

from models.character_counts import character_counts
from preprocessing.tokenizer import PAD

A, B = 3, 4


def test_a_certain_path_is_counted_at_the_columns_where_characters_begin():
    path = [PAD, A, A, PAD, A, B, PAD]
    counts = character_counts(np.eye(5, dtype=np.float32)[path][None], np)
    np.testing.assert_allclose(counts, [[0, 0.5, 1, 1, 1.5, 2.5, 3]])


def test_an_uncertain_character_counts_by_its_probability():
    probability = np.zeros((1, 2, 5), np.float32)
    probability[0, 0, [PAD, A]] = 0.75, 0.25
    probability[0, 1, [A, B]] = 0.5, 0.5
    # Column 0 begins an A with 0.25; column 1 an A with 0.5 * 0.75 and a B with 0.5.
    np.testing.assert_allclose(character_counts(probability, np), [[0.125, 0.25 + (0.375 + 0.5) / 2]])


@pytest.mark.parametrize("shape", [(1, 1, 4), (3, 20, 9)])
def test_keras_and_numpy_count_alike(shape):
    probability = np.random.default_rng(0).dirichlet(np.ones(shape[2]), shape[:2]).astype(np.float32)
    counted = keras.ops.convert_to_numpy(character_counts(probability, keras.ops))
    np.testing.assert_allclose(counted, character_counts(probability, np), atol=1e-5)
    assert (np.diff(counted, axis=1) >= -1e-6).all()

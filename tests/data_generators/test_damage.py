"""Each kind of damage, and what the normaliser makes of it."""

import numpy as np
import pytest

from data_generators.damage import KINDS, damage
from preprocessing.normaliser import LARGEST
from preprocessing.word_image import to_network_geometry
from tests.helpers.drawn_words import PHOTO, draw_word


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.parametrize("colours", [False, True])
def test_every_kind_gives_a_picture_with_ink(name, strength, colours):
    picture = draw_word(paper=255)
    before = np.dstack([picture] * 3) if colours else picture
    damaged = KINDS[name](before.copy(), strength, np.random.default_rng(1))
    assert damaged.dtype == np.uint8 and damaged.ndim in (2, 3) and damaged.max() - damaged.min() > 60
    assert min(damaged.shape[:2]) >= 20 and to_network_geometry(damaged, PHOTO).min() < 128


def test_damage_is_a_pure_function_of_the_seed():
    word = draw_word()
    first, again, other = (damage(word, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_strength_grows():
    word = draw_word(paper=255)
    for name in ("light", "shadow", "noise", "blur", "pale"):
        weak, strong = (KINDS[name](word, strength, np.random.default_rng(3)) for strength in (0.0, 1.0))
        changes = [np.abs(one.astype(float) - word).mean() for one in (weak, strong)]
        assert changes[1] > 1.5 * changes[0], name


def test_a_large_picture_is_not_enlarged_beyond_what_is_normalised():
    photo = np.full((1500, 2000), 200, np.uint8)
    assert KINDS["large"](photo, 1.0, np.random.default_rng(0)).size <= 1.01 * LARGEST
    word = np.full((50, 100), 200, np.uint8)
    assert KINDS["large"](word, 1.0, np.random.default_rng(0)).shape == (200, 400)


def test_one_pixel_survives():
    for seed in range(40):
        assert damage(np.zeros((1, 1), np.uint8), np.random.default_rng(seed)).size

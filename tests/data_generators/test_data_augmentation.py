"""Each distortion of the pixels alone, measured in its own unit on hand-made images; then all kinds together."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_generators.data_augmentation import (
    add_noise,
    augment,
    break_strokes,
    change_contrast,
    change_thickness,
    occlude,
)
from tests.helpers.hand_made import MAX_WIDTH, bar, moments, run, word
from tests.helpers.tiny import plain_aug

EVERYTHING = plain_aug(
    rotation_range=3,
    width_shift_range=0.05,
    height_shift_range=0.05,
    zoom_range=[0.85, 1.15],
    horizontal_flip=True,
    vertical_flip=True,
    shear_range=20,
    elastic_range=2.5,
    thickness_range=1,
    broken_strokes=0.3,
    occlusion=0.5,
    contrast_range=[0.6, 1.2],
    noise_range=15,
    blur_range=0.6,
    binarize_probability=0.2,
)


@pytest.mark.parametrize("image", [word(), np.dstack([word()] * 3)], ids=["grey", "colour"])
def test_all_off_is_identity_and_draws_nothing(image):
    rng = np.random.default_rng(5)
    result = augment(image, plain_aug(), rng, MAX_WIDTH)
    assert np.array_equal(result, image) and not np.shares_memory(result, image)
    assert rng.bit_generator.state == np.random.default_rng(5).bit_generator.state


@pytest.mark.parametrize("change", [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0])
def test_thickness_changes_stroke_width_by_pixels(change):
    result = change_thickness(bar(0, 64, 50, 56), change)
    assert result.dtype == np.uint8
    assert (255.0 - result)[32].sum() / 255 - 6 == pytest.approx(change, abs=0.05)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_broken_strokes_lose_their_share_of_the_ink(share):
    result = break_strokes(word(), share, np.random.default_rng(0))
    assert moments(result)["m00"] == pytest.approx((1 - share) * moments(word())["m00"], rel=0.01)
    # What is left is as it was.
    left = result != 255
    assert np.array_equal(result[left], word()[left])


@pytest.mark.parametrize("place, covered", [(0, (12, 20)), (1, (13, 21)), (0.5, (24, 21))])
def test_occlusion_covers_a_patch_around_ink(place, covered):
    image = np.zeros((64, 120), np.uint8)  # its first pixels are in the first row, its middle ones at an end
    result = occlude(image, np.array([24, 40]) / 64, place)
    white = result == 255
    assert (white.any(axis=1).sum(), white.any(axis=0).sum()) == covered
    assert white.sum() == covered[0] * covered[1] and (result[~white] == 0).all()


def test_contrast_multiplies_darkness():
    image = np.array([[255, 155, 55, 0]], np.uint8)
    assert change_contrast(image, 0.5).tolist() == [[255, 205, 155, 127]]
    assert change_contrast(image, 1.5).tolist() == [[255, 105, 0, 0]]
    darkest = [int(run(bar(20, 40, 20, 40), seed, contrast_range=[0.4, 0.8]).min()) for seed in range(50)]
    assert 51 <= min(darkest) < 70 and 135 < max(darkest) <= 153


def test_noise_has_the_asked_deviation():
    grey = np.full((128, 400), 128, np.uint8)
    noisy = add_noise(grey, 12.0, np.random.default_rng(0)).astype(float)
    assert noisy.std() == pytest.approx(12, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.2)


def test_blur_spreads_an_edge_by_its_sigma():
    image = bar(0, 64, 0, 60)
    for seed in range(8):
        expected = np.random.default_rng(seed).uniform(0, 3.0)
        steps = np.diff(run(image, seed, blur_range=3.0)[32].astype(float))
        positions = np.arange(steps.size)
        mean = (steps * positions).sum() / 255
        sigma = math.sqrt((steps * (positions - mean) ** 2).sum() / 255)
        # Below half a pixel the sampled Gaussian is narrower than the continuous one.
        assert sigma == pytest.approx(expected, abs=0.1 if expected > 0.5 else 0.5)


def test_binarised_words_are_black_and_white():
    soft = cv2.GaussianBlur(word(), (0, 0), 1.0)
    results = [run(soft, seed, binarize_probability=1) for seed in range(10)]
    assert all(set(np.unique(result)) == {0, 255} for result in results)
    assert len({result.tobytes() for result in results}) > 3
    share = sum(set(np.unique(run(soft, seed, binarize_probability=0.3))) == {0, 255} for seed in range(200))
    assert 35 < share < 85


def test_same_seed_same_result_and_input_untouched():
    image = word()
    image.flags.writeable = False
    before = image.copy()
    results = [augment(image, EVERYTHING, np.random.default_rng(seed), MAX_WIDTH) for seed in (1, 1, 2, 3)]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2]) and not np.array_equal(results[2], results[3])
    assert np.array_equal(image, before)


@pytest.mark.parametrize("seed", range(6))
def test_grey_content_gives_the_same_result_in_colour(seed):
    grey = augment(word(), EVERYTHING, np.random.default_rng(seed), MAX_WIDTH)
    colour = augment(np.dstack([word()] * 3), EVERYTHING, np.random.default_rng(seed), MAX_WIDTH)
    assert colour.dtype == np.uint8 and colour.shape == (*grey.shape, 3)
    assert np.abs(colour.astype(int) - grey[..., None]).max() <= 1


@st.composite
def settings_of_all_kinds(draw):
    def number(limit):
        return draw(st.floats(0, limit, allow_subnormal=False))

    return plain_aug(
        rotation_range=number(15),
        width_shift_range=number(0.5),
        height_shift_range=number(0.5),
        zoom_range=[1 - number(0.4), 1 + number(0.6)],
        horizontal_flip=draw(st.booleans()),
        vertical_flip=draw(st.booleans()),
        shear_range=number(30),
        elastic_range=number(4),
        elastic_grid=8 + number(40),
        thickness_range=number(3),
        broken_strokes=number(0.9),
        occlusion=number(1),
        contrast_range=[1 - number(0.5), 1 + number(0.5)],
        noise_range=draw(st.sampled_from([0.0, 20.0])),
        blur_range=number(1.5),
        binarize_probability=draw(st.sampled_from([0.0, 0.5])),
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), aug=settings_of_all_kinds(), seed=st.integers(0, 2**32))
def test_any_setting_gives_a_fitting_image_with_ink(data, aug, seed):
    height, width = data.draw(st.integers(48, 128)), data.draw(st.integers(8, 400))
    max_width = data.draw(st.integers(max(8, width // 2), 400))
    left, top = data.draw(st.integers(0, width - 8)), data.draw(st.integers(0, height - 8))
    image = bar(top, top + 8, left, left + 8, height, width)
    image = np.dstack([image] * 3) if data.draw(st.booleans()) else image
    result = augment(image, aug, np.random.default_rng(seed), max_width)
    assert result.dtype == np.uint8 and result.ndim == image.ndim
    assert result.shape[0] == height and 1 <= result.shape[1] <= max_width
    assert result.min() < 220

"""Each distortion alone, measured in its own unit on hand-made images; then all of them together."""

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
from tests.helpers.tiny import plain_aug

MAX_WIDTH = 400
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


def paper(height=64, width=120):
    return np.full((height, width), 255, np.uint8)


def word():
    image = paper()
    cv2.putText(image, "Word", (12, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 30, 2, cv2.LINE_AA)
    return image


def bar(top, bottom, left, right, height=64, width=120):
    image = paper(height, width)
    image[top:bottom, left:right] = 0
    return image


def four_corners(height=64, width=120, side=8):
    """Four squares in the corners of the canvas: whatever is cut, one of them loses ink."""
    image = paper(height, width)
    for rows in (slice(0, side), slice(height - side, height)):
        for columns in (slice(0, side), slice(width - side, width)):
            image[rows, columns] = 0
    return image


def run(image, seed=0, max_width=MAX_WIDTH, **kinds):
    return augment(image, plain_aug(**kinds), np.random.default_rng(seed), max_width)


def first_draw(seed, limit):
    """The value that the only kind that is on draws."""
    return np.random.default_rng(seed).uniform(-limit, limit)


def moments(image):
    return cv2.moments(255 - image)


def centroid(image):
    found = moments(image)
    return found["m10"] / found["m00"], found["m01"] / found["m00"]


def corner_masses(image):
    """Ink of each connected blob, in pixels of black."""
    count, labels = cv2.connectedComponents((image < 192).astype(np.uint8))
    return [float((255.0 - image)[labels == label].sum() / 255) for label in range(1, count)]


@pytest.mark.parametrize("image", [word(), np.dstack([word()] * 3)], ids=["grey", "colour"])
def test_all_off_is_identity_and_draws_nothing(image):
    rng = np.random.default_rng(5)
    result = augment(image, plain_aug(), rng, MAX_WIDTH)
    assert np.array_equal(result, image) and not np.shares_memory(result, image)
    assert rng.bit_generator.state == np.random.default_rng(5).bit_generator.state


@pytest.mark.parametrize(("kind", "axis"), [("horizontal_flip", 1), ("vertical_flip", 0)])
@pytest.mark.parametrize("width", [119, 120])
def test_flip_is_exact_and_half_of_the_time(kind, axis, width):
    image = word()[:, :width]
    flipped = 0
    for seed in range(200):
        result = run(image, seed, **{kind: True})
        is_flipped = np.array_equal(result, np.flip(image, axis))
        assert is_flipped or np.array_equal(result, image)
        flipped += is_flipped
    assert 70 < flipped < 130


@pytest.mark.parametrize("seed", range(5))
def test_shift_moves_the_ink_by_its_part_of_the_size(seed):
    image = bar(24, 40, 40, 80)
    x, y = centroid(image)
    right, _ = centroid(run(image, seed, width_shift_range=0.2))
    assert right - x == pytest.approx(first_draw(seed, 0.2) * 120, abs=0.05)
    _, down = centroid(run(image, seed, height_shift_range=0.2))
    assert down - y == pytest.approx(first_draw(seed, 0.2) * 64, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_rotation_turns_a_bar_by_degrees(seed):
    found = moments(run(bar(30, 34, 20, 100), seed, rotation_range=15))
    angle = -math.degrees(0.5 * math.atan2(2 * found["mu11"], found["mu20"] - found["mu02"]))
    assert angle == pytest.approx(first_draw(seed, 15), abs=0.3)


@pytest.mark.parametrize("seed", range(5))
def test_zoom_scales_each_axis_of_the_ink_and_the_canvas(seed):
    result = run(bar(22, 42, 30, 90), seed, zoom_range=[0.7, 1.3])
    zoom_x, zoom_y = np.random.default_rng(seed).uniform(0.7, 1.3, 2)
    darkness = (255.0 - result) / 255
    assert darkness.max(axis=0).sum() == pytest.approx(60 * zoom_x, abs=1)
    assert darkness.max(axis=1).sum() == pytest.approx(20 * zoom_y, abs=1)
    assert result.shape == (64, round(120 * zoom_x))


@pytest.mark.parametrize("seed", range(5))
def test_shear_slants_a_vertical_bar_around_the_middle(seed):
    result = run(bar(8, 56, 57, 63), seed, shear_range=30)
    darkness = (255.0 - result)[10:54]
    columns = (darkness * np.arange(result.shape[1])).sum(axis=1) / darkness.sum(axis=1)
    slope = np.polyfit(np.arange(10, 54), columns, 1)[0]
    assert -math.degrees(math.atan(slope)) == pytest.approx(first_draw(seed, 30), abs=0.3)
    assert centroid(result)[0] == pytest.approx(59.5, abs=0.1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reach", [1.0, 2.5])
def test_elastic_moves_dots_by_the_asked_pixels(seed, reach):
    image = paper(96, 320)
    spots = [(x, y) for x in range(14, 310, 14) for y in range(14, 90, 14)]
    for x, y in spots:
        image[y - 1 : y + 2, x - 1 : x + 2] = 0
    result = run(image, seed, elastic_range=reach, elastic_grid=16)
    assert result.shape == image.shape
    moves = []
    for x, y in spots:
        found_x, found_y = centroid(np.ascontiguousarray(result[y - 6 : y + 7, x - 6 : x + 7]))
        moves.append((found_x - 6, found_y - 6))
    moves = np.abs(moves)
    for axis in range(2):
        assert 0.25 * reach < moves[:, axis].mean() < 0.6 * reach
        assert 0.7 * reach < moves[:, axis].max() < reach + 0.15


@pytest.mark.parametrize(
    "kinds",
    [
        {"zoom_range": [1.2, 1.5]},
        {"height_shift_range": 0.4},
        {"width_shift_range": 0.4},
        {"rotation_range": 10},
        {"shear_range": 35},
        {"elastic_range": 2.5},
        {"zoom_range": [0.8, 1.3], "rotation_range": 5, "shear_range": 20, "elastic_range": 2.0},
    ],
    ids=lambda kinds: "+".join(kinds),
)
def test_no_ink_is_cut_at_any_side(kinds):
    for seed in range(20):
        masses = corner_masses(run(four_corners(side=4), seed, **kinds))
        assert len(masses) == 4
        assert min(masses) > 0.45 * max(masses)  # the elastic field alone stretches them unequally


def test_canvas_widens_for_slanted_ink_and_keeps_to_max_width():
    image = four_corners()
    for seed in range(10):
        lean = abs(math.tan(math.radians(first_draw(seed, 30)))) * 64
        result = run(image, seed, shear_range=30)
        assert 120 + lean <= result.shape[1] <= 120 + lean + 3
        narrow = run(image, seed, max_width=124, shear_range=30)
        assert narrow.shape[1] <= 124 and len(corner_masses(narrow)) == 4


def test_image_wider_than_max_width_is_shrunk_and_loses_paper_first():
    assert run(four_corners(), max_width=100).shape == (64, 100)
    assert len(corner_masses(run(four_corners(), max_width=100))) == 4
    cropped = run(bar(20, 40, 50, 100), max_width=60)
    assert cropped.shape == (64, 60)
    assert moments(cropped)["m00"] == moments(bar(20, 40, 50, 100))["m00"]


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

"""Each distortion of the geometry alone, measured in its own unit on hand-made images; none cuts ink off."""

import math

import cv2
import numpy as np
import pytest

from tests.helpers.hand_made import bar, moments, paper, run, word


def four_corners(height=64, width=120, side=8):
    """Four squares in the corners of the canvas: whatever is cut, one of them loses ink."""
    image = paper(height, width)
    for rows in (slice(0, side), slice(height - side, height)):
        for columns in (slice(0, side), slice(width - side, width)):
            image[rows, columns] = 0
    return image


def first_draw(seed, limit):
    """The value that the only kind that is on draws."""
    return np.random.default_rng(seed).uniform(-limit, limit)


def centroid(image):
    found = moments(image)
    return found["m10"] / found["m00"], found["m01"] / found["m00"]


def corner_masses(image):
    """Ink of each connected blob, in pixels of black."""
    count, labels = cv2.connectedComponents((image < 192).astype(np.uint8))
    return [float((255.0 - image)[labels == label].sum() / 255) for label in range(1, count)]


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

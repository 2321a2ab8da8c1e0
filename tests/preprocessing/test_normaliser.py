"""Each step of the normaliser, on drawn words."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from PIL import Image

from preprocessing.ink import ink_mask
from preprocessing.normaliser import (
    darken_ink,
    divide_by_paper,
    even_paper,
    ink_channel,
    normalise,
    remove_specks,
    straighten,
    trim,
)
from preprocessing.rulings import remove_rulings, straight_lines
from preprocessing.word_image import read_word_image, to_network_geometry, word_image_of_array
from preprocessing.writing import MOST_STRETCH, count_lines, measure_writing, skew, to_usual_size, turn_upright
from tests.helpers.drawn_words import PHOTO, draw_word, overlap
from utils.config.image import ImageConfig, NormaliserConfig

ALL = PHOTO.normaliser


def darkened(grey):
    return darken_ink(grey, even_paper(grey))


def divided(grey):
    return divide_by_paper(grey, even_paper(grey))


@pytest.mark.parametrize("text", ["until", "a", "WWW", "Mill"])
def test_light_ink_becomes_dark_and_dark_ink_stays(text):
    dark = draw_word(text)
    assert np.array_equal(darkened(dark), dark) and np.array_equal(darkened(255 - dark), dark)


@pytest.mark.parametrize("text", ["measure", "summer", "an"])
def test_light_ink_of_a_picture_without_margins_becomes_dark(text):
    tight = trim(cv2.dilate(draw_word(text, scale=2), np.ones((5, 5), np.uint8)))
    assert even_paper(255 - tight)
    assert np.array_equal(darkened(255 - tight), tight) and np.array_equal(darkened(tight), tight)


def test_a_frame_does_not_turn_the_polarity():
    framed = draw_word()
    cv2.rectangle(framed, (2, 2), (framed.shape[1] - 3, framed.shape[0] - 3), 40, 3)
    assert np.array_equal(darkened(framed), framed)


def test_shade_and_its_edge_are_divided_out():
    image = draw_word()
    falling = (image * np.linspace(1, 0.35, image.shape[1])).astype(np.uint8)
    shadow = image.copy()
    shadow[:, image.shape[1] // 2 :] = (shadow[:, image.shape[1] // 2 :] * 0.45).astype(np.uint8)
    assert overlap(falling, image) < 0.7 > overlap(shadow, image)
    for shaded in (falling, shadow):
        assert overlap(divided(shaded), image) > 0.9
        assert np.median(divided(shaded)) > 250


@pytest.mark.parametrize("rise", [0, 6, -6])
def test_rulings_go_and_strokes_stay(rise):
    image = draw_word(paper=255)
    ruled = image.copy()
    for row in (15, image.shape[0] - 45, image.shape[0] - 12):
        cv2.line(ruled, (0, row), (image.shape[1], row + rise), 110, 3)
    assert overlap(ruled, image) < 0.8 and overlap(remove_rulings(ruled), image) > 0.85


def test_ruled_paper_around_a_word_goes_in_a_picture_higher_than_wide():
    word = trim(draw_word(paper=255))
    image = cv2.copyMakeBorder(word, 250, 250, 20, 20, cv2.BORDER_CONSTANT, value=255)
    ruled = image.copy()
    for row in range(25, len(image), 60):
        cv2.line(ruled, (0, row), (image.shape[1], row), 110, 3)
    assert overlap(ruled, image) < 0.8 and overlap(remove_rulings(ruled), image) > 0.75


@pytest.mark.parametrize("paper", [150, 200, 255])
@pytest.mark.parametrize("steps", [{}, {"paper": False}])
def test_a_falling_line_on_grey_paper_stays_ink_on_paper(paper, steps):
    """Even paper that is not white must not become ink when the picture is turned."""
    line = np.hstack([draw_word(paper=paper)] * 4)
    turn = cv2.getRotationMatrix2D((line.shape[1] / 2, line.shape[0] / 2), -4, 1)
    fallen = cv2.warpAffine(line, turn, line.shape[::-1], borderValue=paper)
    strip = to_network_geometry(fallen, ImageConfig(normaliser=NormaliserConfig(**steps)))
    level = to_network_geometry(line, ImageConfig(normaliser=NormaliserConfig(**steps)))
    assert 0.5 < (strip < 128).mean() / (level < 128).mean() < 2


@pytest.mark.parametrize("lean", [-6, 0, 6])
def test_a_slanted_stroke_is_not_cut_by_a_thick_ruling(lean):
    image = np.full((60, 200), 255, np.uint8)
    for column in (40, 100, 150):
        cv2.line(image, (column - lean, 12), (column + lean, 48), 40, 3)
    ruled = image.copy()
    cv2.line(ruled, (0, 30), (200, 30), 40, 4)
    found = ink_mask(remove_rulings(ruled))
    assert found[28:34].sum(axis=1).min() >= 9 and found[28:34].sum(axis=1).max() < 60


def test_squares_and_frames_go():
    image = draw_word(paper=255)
    height, width = image.shape
    framed = image.copy()
    cv2.rectangle(framed, (4, 4), (width - 5, height - 5), 40, 3)
    assert overlap(remove_rulings(framed), image) > 0.99
    for column in range(10, width, 45):
        cv2.line(framed, (column, 0), (column, height), 120, 2)
    assert overlap(remove_rulings(framed), image) > 0.75


@pytest.mark.parametrize("text", ["-", "t", "until", "T", "e", "Z"])
def test_strokes_are_no_rulings(text):
    image = trim(draw_word(text, paper=255))
    assert np.array_equal(remove_rulings(image), image)


def test_lines_must_be_straight_and_whole():
    ink = np.zeros((60, 200), bool)
    ink[30:33] = True
    assert straight_lines(ink)[31].all()
    ink[:, 60:100] = False
    assert not straight_lines(ink).any()


def test_specks_go_and_dots_stay():
    image = draw_word("in", paper=255)
    spotted = image.copy()
    for place in ((5, 5), (70, 20), (20, image.shape[1] - 8)):
        spotted[place] = 0
    assert np.array_equal(ink_mask(remove_specks(spotted)), ink_mask(image))


def test_trim_leaves_one_pixel():
    image = np.full((100, 200), 255, np.uint8)
    image[40:60, 50:90] = 0
    assert trim(image).shape == (22, 42)


@pytest.mark.parametrize("factor", [1 / 3, 0.5, 2, 4])
def test_the_size_grows_with_the_picture(factor):
    image = draw_word(scale=3)
    other = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    assert measure_writing(other)[0] / measure_writing(image)[0] == pytest.approx(factor, rel=0.15)


def test_the_pitch_grows_with_the_width_alone():
    line = trim(draw_word("minimum minimum"))
    for x, y in ((0.6, 1), (1.5, 1), (1.5, 1.5)):
        other = cv2.resize(line, None, fx=x, fy=y, interpolation=cv2.INTER_LINEAR)
        assert measure_writing(other)[1] / measure_writing(line)[1] == pytest.approx(x, rel=0.1)
    # A wide gap between words is no part of a letter.
    gap = np.full((len(line), 300), 255, np.uint8)
    assert measure_writing(np.hstack([line, gap, line]))[1] == pytest.approx(measure_writing(line)[1], rel=0.1)


def test_narrow_writing_is_widened_and_wide_writing_is_left():
    line = to_usual_size(trim(draw_word("minimum minimum")))
    narrow, wide = (cv2.resize(line, None, fx=x, fy=1, interpolation=cv2.INTER_AREA) for x in (0.5, 2))

    def stretch(picture):
        height, width = to_usual_size(picture).shape
        return (width / height) / (picture.shape[1] / picture.shape[0])

    assert stretch(wide) == pytest.approx(1, abs=0.02)
    assert 1.1 < stretch(narrow) <= MOST_STRETCH + 0.02


@pytest.mark.parametrize("text", ["-", ".", ",", "l", "(", ":", "1"])
def test_a_lone_mark_has_no_size(text):
    mark = trim(draw_word(text))
    assert not measure_writing(mark)[0] and to_usual_size(mark) is mark


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (40, 5), (64, 256)])
@pytest.mark.parametrize("noise", [0, 4])
def test_blank_paper_stays_blank(shape, noise):
    paper = np.clip(np.random.default_rng(1).normal(200, noise, shape), 0, 255).astype(np.uint8)
    blank = normalise(paper, ALL)
    assert blank.shape == shape and (blank == 255).all()


@pytest.mark.parametrize("shape", [(64, 300), (150, 150), (300, 400), (700, 1200)])
@pytest.mark.parametrize("light", ["right", "down", "corner", "shadow"])
@pytest.mark.parametrize("noise", [0, 3])
def test_blank_paper_in_uneven_light_stays_blank(shape, light, noise):
    down, right = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    course = {
        "right": right,
        "down": down,
        "corner": (right + down) / 2,
        "shadow": 1 / (1 + np.exp(-20 * (right - 0.4 - down / 3))),
    }[light]
    paper = 90 + 150 * course + np.random.default_rng(1).normal(0, noise, shape)
    assert (normalise(np.clip(paper, 0, 255).astype(np.uint8), ALL) == 255).all()
    assert (normalise(draw_word(), ALL) < 128).any()


@pytest.mark.parametrize("lines", ["box", "ruled", "squared"])
def test_forms_without_writing_are_blank(lines):
    paper = np.full((100, 260), 225, np.uint8)
    if lines == "box":
        cv2.rectangle(paper, (0, 0), (259, 99), 90, 3)
    else:
        paper[15::28] = 120
        if lines == "squared":
            paper[:, 15::28] = 120
    assert (normalise(paper, ALL) == 255).all()


@pytest.mark.parametrize("text", ["=", "+", "-", "#"])
def test_marks_of_straight_lines_are_no_forms(text):
    assert (normalise(trim(draw_word(text)), ALL) < 128).any()


def test_blue_ink_on_yellow_paper_stands_out_most_in_red():
    mask = draw_word(paper=255, ink=0) < 128
    picture = np.where(mask[..., None], (60, 60, 200), (210, 200, 130)).astype(np.uint8)
    grey = ink_channel(picture)
    assert np.array_equal(grey, picture[..., 0])


@pytest.mark.parametrize("change", ["light", "margin", "large", "colour", "clear"])
def test_pictures_of_one_word_become_nearly_one_image(change, tmp_path):
    """Whatever is done to the picture: the network sees the word as it is without."""
    image = draw_word()
    expected = word_image_of_array(image, PHOTO)
    picture = {
        "light": lambda: 255 - image,
        "margin": lambda: cv2.copyMakeBorder(image, 90, 120, 150, 20, cv2.BORDER_CONSTANT, value=230),
        "large": lambda: cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC),
        "colour": lambda: np.dstack([image, np.full_like(image, 225), np.full_like(image, 215)]),
        "clear": lambda: np.dstack([np.full_like(image, 255)] * 3 + [255 - image]),
    }[change]()
    Image.fromarray(picture).save(tmp_path / "word.png")
    found = read_word_image(tmp_path / "word.png", PHOTO)
    if change == "large":
        assert abs(found.shape[1] - expected.shape[1]) <= 0.6 * expected.shape[1]
    else:
        assert found.shape == expected.shape and overlap(found, expected) > 0.9


def test_a_word_turned_by_a_quarter_is_turned_back_or_upside_down():
    image = trim(draw_word())
    assert np.array_equal(turn_upright(image), image)
    assert np.array_equal(turn_upright(np.rot90(image)), image)
    assert np.array_equal(turn_upright(np.rot90(image, -1)), image[::-1, ::-1])


@pytest.mark.parametrize("degrees", [-10, -6, 6, 10])
def test_writing_is_turned_level(degrees):
    image = draw_word("several words", paper=255)
    height, width = image.shape
    image = cv2.copyMakeBorder(image, 60, 60, 0, 0, cv2.BORDER_CONSTANT, value=255)
    centre = cv2.getRotationMatrix2D((width / 2, height / 2 + 60), degrees, 1)
    turned = trim(cv2.warpAffine(image, centre, image.shape[::-1], borderValue=255))
    assert skew(trim(image)) == 0 and skew(turned) == pytest.approx(-degrees, abs=2)
    assert straighten(turned).shape[0] < 1.25 * trim(image).shape[0] < turned.shape[0]


@pytest.mark.parametrize("text", ["l", "I", "f", "!", "(", "t", "by", "8"])
def test_tall_letters_stay_upright(text):
    image = trim(draw_word(text))
    assert np.array_equal(turn_upright(image), image)


def test_lines_are_counted():
    line, narrow = draw_word("several words", border=15), draw_word("ij", border=15)
    assert count_lines(to_network_geometry(line, PHOTO)) == 1 == count_lines(to_network_geometry(narrow, PHOTO))
    for number in (2, 3, 5):
        assert count_lines(to_network_geometry(np.vstack([line] * number), PHOTO)) > 1


def test_each_step_can_be_switched_off():
    image = 255 - draw_word()
    nothing = NormaliserConfig(**dict.fromkeys(NormaliserConfig.model_fields, False))
    assert np.array_equal(normalise(image, nothing), image)
    for name in ("polarity", "trim"):
        assert not np.array_equal(normalise(image, ALL.model_copy(update={name: False})), normalise(image, ALL))


@settings(deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=80)))
def test_any_pixels_give_an_image_of_the_networks_height(pixels):
    strip = to_network_geometry(pixels, PHOTO)
    assert strip.shape[0] == PHOTO.image_size.y_size and strip.shape[1] <= PHOTO.image_size.x_size

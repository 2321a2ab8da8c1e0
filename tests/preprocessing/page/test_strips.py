"""Lines are cut and straightened along their baselines."""

import cv2
import numpy as np
import pytest

from preprocessing.ink import ink_mask
from preprocessing.page.layout import Line
from preprocessing.page.strips import box_on_page, cut_strip
from tests.helpers.drawn_words import draw_word, overlap


def page_with(word, warp):
    """A page on which `warp` maps points (x, y) of the word; and the line of the word there."""
    height, width = word.shape
    outline = [(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]
    baseline = [(x, height - 30) for x in range(0, width, 20)]
    return [tuple(map(float, warp(x, y))) for x, y in outline], [tuple(map(float, warp(x, y))) for x, y in baseline]


@pytest.mark.parametrize("degrees", [0, 7, -20, 85])
@pytest.mark.parametrize("with_baseline", [True, False])
def test_a_slanted_line_becomes_level(degrees, with_baseline):
    word = draw_word("several words", paper=255)
    height, width = word.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turn[:, 2] += 400 - width / 2, 400 - height / 2
    page = cv2.warpAffine(word, turn, (800, 800), borderValue=255, flags=cv2.INTER_CUBIC)
    polygon, baseline = page_with(word, lambda x, y: turn @ (x, y, 1))
    strip = cut_strip(page, Line(tuple(polygon), tuple(baseline) if with_baseline else ()))
    assert abs(strip.shape[0] - height) <= 3 and abs(strip.shape[1] - width) <= 3
    best = max(
        overlap(np.roll(cv2.resize(strip, (width, height)), (dy, dx), (0, 1)), word)
        for dy in range(-2, 3)
        for dx in range(-2, 3)
    )
    assert best > 0.75


def test_a_curved_line_becomes_straight():
    word = draw_word("curved baseline", paper=255)
    height, width = word.shape

    def bend(x):
        return 40 * np.sin(x / width * np.pi)

    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height + 80, dtype=np.float32))
    page = cv2.remap(word, columns, rows - bend(columns), cv2.INTER_LINEAR, borderValue=255)
    baseline = tuple((float(x), float(height - 30 + bend(x))) for x in range(0, width, 15))
    polygon = [(float(x), float(bend(x))) for x in range(0, width, 15)]
    polygon += [(float(x), float(height - 1 + bend(x))) for x in range(width - 1, -1, -15)]
    strip = cut_strip(page, Line(tuple(polygon), baseline))
    profile = ink_mask(strip).sum(axis=1)
    # Level writing has most of its ink in few rows, as much as before it was bent.
    share = np.sort(profile)[::-1][:40].sum() / profile.sum()
    before = ink_mask(word).sum(axis=1)
    assert share > 0.9 * np.sort(before)[::-1][:40].sum() / before.sum()


def test_what_is_outside_the_polygon_becomes_paper():
    page = np.full((100, 300), 200, np.uint8)
    page[60:80, 50:250] = 0
    page[5:15] = 0  # the line above, within the rectangle but outside the polygon
    outline = ((40.0, 50.0), (150.0, 40.0), (260.0, 50.0), (260.0, 90.0), (40.0, 90.0))
    line = Line(outline, ((40.0, 80.0), (260.0, 80.0)))
    strip = cut_strip(page, line)
    assert strip.shape == (51, 220) and (strip[0, [0, -1]] == 200).all()
    assert (strip == 0).sum() == pytest.approx(20 * 200, rel=0.05)
    colour = cut_strip(np.dstack([page] * 3), line)
    assert colour.shape == (51, 220, 3) and np.array_equal(colour[..., 0], strip)


@pytest.mark.parametrize("size", [(30, 45), (40, 40), (60, 30)])
def test_a_short_line_without_a_baseline_stays_upright(size):
    """A number in its box, as ALTO gives it: 12 is higher than wide."""
    width, height = size
    page = np.full((200, 200), 220, np.uint8)
    page[50 : 50 + height // 2, 60 : 60 + width] = 40  # the upper half
    box = ((60.0, 50.0), (60.0 + width, 50.0), (60.0 + width, 50.0 + height), (60.0, 50.0 + height))
    strip = cut_strip(page, Line(box))
    assert abs(strip.shape[1] - width) <= 2 and abs(strip.shape[0] - height) <= 2
    assert strip[: height // 2 - 2].mean() < 60 and strip[height // 2 + 3 :].mean() > 200


@pytest.mark.parametrize(
    "baseline",
    [
        ((50, 77), (50, 80), (250, 80)),  # a hook at its beginning
        ((50, 80), (250, 80), (250, 77)),
        ((50, 80), (50, 80), (250, 80)),  # a point twice
        ((50, 80), (50, 80)),  # no line
    ],
)
def test_odd_ends_of_a_baseline_do_not_turn_the_strip(baseline):
    page = np.full((120, 320), 200, np.uint8)
    page[50:80, 30:280] = 0
    outline = ((20.0, 40.0), (290.0, 40.0), (290.0, 90.0), (20.0, 90.0))
    strip = cut_strip(page, Line(outline, tuple((float(x), float(y)) for x, y in baseline)))
    assert abs(strip.shape[1] - 270) <= 8 and abs(strip.shape[0] - 51) <= 8
    assert (strip < 100).sum() == pytest.approx(30 * 250, rel=0.1)


def test_boxes_of_words_stay_within_the_outline():
    outline = ((0.0, 60.0), (300.0, 0.0), (300.0, 40.0), (0.0, 100.0))
    line = Line(outline, ((0.0, 90.0), (300.0, 30.0)))
    for start in np.linspace(0, 0.9, 10):
        left, top, width, height = box_on_page(line, start, start + 0.1)
        assert 0 <= left <= left + width <= 300 and 0 <= top <= top + height <= 100 and width > 20


def test_pages_longer_than_opencv_takes():
    page = np.full((33_000, 300), 255, np.uint8)
    page[32_510:32_530, 40:260] = 0
    outline = ((20.0, 32_500.0), (280.0, 32_500.0), (280.0, 32_540.0), (20.0, 32_540.0))
    strip = cut_strip(page, Line(outline, ((20.0, 32_530.0), (280.0, 32_530.0))))
    assert abs(strip.shape[0] - 41) <= 1 and abs(strip.shape[1] - 261) <= 1
    assert (strip[10:30, 21:239] == 0).mean() > 0.95 and (strip[[0, -1]] == 255).all()


def test_lines_longer_than_opencv_takes():
    page = np.full((60, 34_000), 255, np.uint8)
    page[20:40, 33_000:33_100] = 0
    outline = ((0.0, 10.0), (33_999.0, 10.0), (33_999.0, 50.0), (0.0, 50.0))
    strip = cut_strip(page, Line(outline, ((0.0, 40.0), (33_999.0, 40.0))))
    assert abs(strip.shape[1] - 34_000) <= 1 and (strip[12:28, 33_001:33_099] == 0).all()
    assert (strip[:, :32_990] == 255).all()

"""Lines from pieces: joined, split, straightened, in reading order."""

import cv2
import numpy as np

from preprocessing.page.lines import find_lines
from preprocessing.page.pieces import lies_on_side
from preprocessing.page.strips import cut_strip
from tests.helpers.drawn_pages import PAPER, draw_page, rectangle

INK = 30


def boxes(lines):
    """Left, top, right and bottom of each line's outline."""
    return [(*np.min(line.polygon, axis=0), *np.max(line.polygon, axis=0)) for line in lines]


def test_an_outline_is_close_to_the_ink_and_the_baseline_under_it():
    page, corners = draw_page([("summer", 100, 200, INK)])
    loose = corners + np.array([(-30, -25), (30, -25), (30, 25), (-30, 25)], np.float32)
    (line,) = find_lines(page, loose)
    rows, columns = np.nonzero(page < 128)
    left, top, right, bottom = boxes([line])[0]
    assert left < columns.min() and right > columns.max() and top < rows.min() and bottom > rows.max()
    assert columns.min() - left < 25 and rows.min() - top < 25
    assert all(abs(y - 200) <= 4 for _, y in line.baseline)


def test_pieces_of_one_line_are_joined_and_those_of_others_are_not():
    words = [("one", 100, 200, INK), ("two", 240, 204, INK), ("three", 380, 208, INK), ("below", 100, 300, INK)]
    page, corners = draw_page(words)
    lines = find_lines(page, corners)
    assert [(left < 110, right > 480) for left, _, right, _ in boxes(lines)] == [(True, True), (True, False)]


def test_a_piece_that_holds_two_lines_is_split():
    words = [("several words", 100, 200, INK), ("and some more", 100, 265, INK)]
    others = [("a third line", 100, 400, INK), ("and a fourth", 100, 500, INK)]
    page, corners = draw_page(words + others)
    both = np.array([rectangle(90, 150, 480, 290)], np.float32)
    lines = find_lines(page, np.concatenate([both, corners[2:]]))
    assert len(lines) == 4 and boxes(lines)[0][3] < 235 and boxes(lines)[1][1] > 205


def test_what_shines_through_is_left_out():
    page, corners = draw_page([("summer", 100, 200, INK), ("retniw", 100, 300, PAPER - 30)])
    assert len(find_lines(page, corners)) == 1


def test_pieces_without_ink_are_no_lines():
    assert find_lines(np.full((300, 400), PAPER, np.uint8), np.array([rectangle(50, 50, 200, 90)], np.float32)) == ()
    assert find_lines(np.full((300, 400), PAPER, np.uint8), np.empty((0, 4, 2), np.float32)) == ()


def test_the_baseline_follows_a_curved_line():
    page, corners = draw_page([("a curved line of a book, in a photo", 60, 300, INK)])
    ys, xs = np.mgrid[: page.shape[0], : page.shape[1]].astype(np.float32)
    bow = 25 * ((xs - 500) / 450) ** 2
    page = cv2.remap(page, xs, ys - bow, cv2.INTER_LINEAR, borderValue=PAPER)
    tall = corners + np.array([(0, 0), (0, 0), (0, 25), (0, 25)], np.float32)
    (line,) = find_lines(page, tall)
    assert all(abs(y - 300 - 25 * ((x - 500) / 450) ** 2) < 7 for x, y in line.baseline)
    strip = cut_strip(page, line)
    rows = np.flatnonzero((strip < 128).any(axis=1))
    assert np.ptp(rows) < 50 + 12  # The writing's own height; bent it has 25 pixels more.


def test_columns_are_read_one_after_the_other_and_headings_before_them():
    left = [(text, 60, 250 + 80 * i, INK) for i, text in enumerate(("left one", "left two", "left three", "left four"))]
    right = [(text, 560, 254 + 80 * i, INK) for i, text in enumerate(("right one", "right two", "right three"))]
    page, corners = draw_page([right[0], *left, ("the heading of both the columns", 80, 120, INK), *right[1:]])
    lines = find_lines(page, corners)
    assert [(x > 400, y > 130) for x, y, *_ in boxes(lines)] == [
        (False, False),
        *[(False, True)] * 4,
        *[(True, True)] * 3,
    ]
    assert [box[1] for box in boxes(lines)[1:5]] == sorted(box[1] for box in boxes(lines)[1:5])


def test_a_stroke_one_pixel_wide_is_a_line():
    page = np.full((300, 300), PAPER, np.uint8)
    page[100:140, 150] = INK
    (line,) = find_lines(page, np.array([rectangle(140, 95, 160, 145)], np.float32))
    assert len(line.polygon) >= 4 and len(line.baseline) >= 2
    assert cut_strip(page, line).min() < 128


def test_pages_on_their_side_have_more_tall_pieces_than_others():
    """An I or a 1 may be taller than long on a page that is upright."""
    long, tall, letter = rectangle(0, 0, 300, 40), rectangle(0, 0, 40, 300), rectangle(0, 0, 30, 50)
    for pieces, expected in (
        ([long, tall], False),
        ([letter] * 3, False),
        ([long, tall, tall], True),
        ([letter, letter, tall], False),
        ([], False),
    ):
        assert lies_on_side(np.array(pieces, np.float32).reshape(-1, 4, 2)) is expected

"""Reading order of lines in columns and rows, in both directions."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from preprocessing.page.layout import Line
from preprocessing.page.order import reading_order


def line(name, left, top, width, height=30):
    right, bottom = left + width, top + height
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Line(tuple((float(x), float(y)) for x, y in corners), text=name)


@pytest.mark.parametrize("is_rtl", [False, True])
def test_columns_begin_where_the_script_does(is_rtl):
    left = [line(f"left {i}", 50, 200 + 50 * i, 300) for i in range(4)]
    right = [line(f"right {i}", 400, 210 + 50 * i, 300) for i in range(4)]
    heading = line("heading", 60, 100, 600)
    names = [one.text for one in reading_order([*right[::-1], *left, heading], is_rtl)]
    columns = ("right", "left") if is_rtl else ("left", "right")
    assert names == ["heading", *(f"{side} {i}" for side in columns for i in range(4))]


@pytest.mark.parametrize("is_rtl", [False, True])
def test_pieces_of_a_row_begin_where_the_script_does(is_rtl):
    row = [line("a", 50, 100, 200), line("b", 300, 104, 200), line("c", 560, 98, 100)]
    names = [one.text for one in reading_order([*row, line("below", 50, 160, 600)], is_rtl)]
    assert names == [*("cba" if is_rtl else "abc"), "below"]


@pytest.mark.parametrize("degrees", [-3, 2, 5])
@pytest.mark.parametrize("gutter", [40, 150])
def test_columns_of_a_slanted_page_stay_apart(degrees, gutter):
    left = [line(f"left {i}", 400, 400 + 60 * i, 800) for i in range(30)]
    right = [line(f"right {i}", 1200 + gutter, 400 + 60 * i, 800) for i in range(30)]
    turn = cv2.getRotationMatrix2D((0, 0), -degrees, 1)[:, :2]
    slanted = [replace(one, polygon=tuple(map(tuple, np.array(one.polygon) @ turn.T))) for one in (*right, *left)]
    assert [one.text for one in reading_order(slanted)] == [one.text for one in (*left, *right)]


@pytest.mark.parametrize("is_rtl", [False, True])
@pytest.mark.parametrize("width", [30, 140])
def test_numbers_and_dates_are_read_with_their_texts(width, is_rtl):
    """An empty line between two entries parts them no more than their texts."""
    places = [(f"{i}", 100 + 60 * i + (60 if i > 3 else 0)) for i in range(7)]
    numbers = [line(f"number {i}", 700 if is_rtl else 50, top + 4, width) for i, top in places]
    texts = [line(f"text {i}", 0 if is_rtl else 250, top, 600) for i, top in places]
    names = [one.text for one in reading_order([*texts, *numbers], is_rtl)]
    assert names == [f"{kind} {i}" for i in range(7) for kind in ("number", "text")]


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_narrow_cells_are_read_by_rows(columns):
    """The first row has an empty cell, and none begins exactly below another."""
    cells = [
        line(f"{row} {column}", 50 + 300 * column + row % 4, 100 + 70 * row, 80)
        for column in range(columns)
        for row in range(6)
    ]
    names = [one.text for one in reading_order(cells[1:])]
    assert names == [f"{row} {column}" for row in range(6) for column in range(columns)][1:]


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("width", [100, 350])
def test_columns_of_text_in_level_rows_are_read_one_after_the_other(columns, width):
    texts = [
        line(f"{column} {row}", 50 + 400 * column, 100 + 50 * row, width)
        for column in range(columns)
        for row in range(8)
    ]
    assert [one.text for one in reading_order(texts[::-1])] == [one.text for one in texts]


def test_a_narrow_column_beside_others_rows_stays_a_column():
    """Most of its lines stand between the rows of the text."""
    text = [line(f"text {i}", 50, 100 + 60 * i, 600) for i in range(8)]
    note = [line(f"note {i}", 700, 130 + 48 * i, 120) for i in range(6)]
    assert [one.text for one in reading_order([*note, *text])] == [one.text for one in (*text, *note)]

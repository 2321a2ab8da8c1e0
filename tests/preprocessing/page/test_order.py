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

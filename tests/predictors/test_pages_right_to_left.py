"""Words of lines that run from right to left stand at their places on the page."""

from types import SimpleNamespace

import numpy as np

from base.base_predictor import Prediction
from predictors.pages import PageReader, _Piece
from preprocessing.page.layout import Line
from preprocessing.tokenizer import Tokenizer


def right_to_left_reader():
    """A reader of pages without a network."""
    reader = PageReader.__new__(PageReader)
    reader.is_rtl, reader.reads_lines = True, True
    spec = SimpleNamespace(tokenizer=Tokenizer(" \u05d0\u05d1\u05d2\u05d5\u05dc\u05dd\u05e9dehlorw", "rtl"))
    reader.predictor = SimpleNamespace(spec=spec)
    return reader


def test_words_of_a_right_to_left_line_are_in_logical_order():
    reader = right_to_left_reader()
    line = Line(((0.0, 0.0), (100.0, 0.0), (100.0, 20.0), (0.0, 20.0)))
    strip = np.full((20, 100), 255, np.uint8)
    strip[5:15, 2:30] = strip[5:15, 60:98] = 0
    pieces = [_Piece(0, strip, (0.0, 0.3)), _Piece(0, strip, (0.6, 1.0))]
    first, second = "\u05d0\u05d1\u05d2\u05d0\u05d1", "\u05d2\u05d1\u05d0\u05d2"
    left, right = Prediction(second, 0.9, (1.0,) * 4), Prediction(first, 0.9, (1.0,) * 5)
    read = reader._line_of_words(line, list(zip(pieces, (left, right))))
    assert read.text == f"{first} {second}" and read.words[0].box[0] > read.words[1].box[0]
    both = Prediction(f"{first} {second}", 0.9, (1.0,) * 10)
    for picture in (strip, np.zeros_like(strip)):  # With a gap, and without one.
        read = reader._line_of_text(line, picture, both)
        assert [word.text for word in read.words] == [first, second]
        assert read.words[0].box[0] > read.words[1].box[0]


def test_words_of_both_directions_have_their_own_places():
    reader = right_to_left_reader()
    strip = np.full((40, 400), 255, np.uint8)
    for left, letters in ((10, 5), (120, 5), (260, 4)):  # from the left: hello, world, shalom
        for i in range(letters):
            strip[12:28, left + 12 * i : left + 12 * i + 9] = 0
    text = "\u05e9\u05dc\u05d5\u05dd hello world"
    line = Line(((0, 0), (400, 0), (400, 40), (0, 40)), ((0, 30), (400, 30)))
    read = reader._line_of_text(line, strip, Prediction(text, 0.9, (0.9,) * len(text)))
    assert [word.text for word in read.words] == text.split()
    assert [round(word.box[0], -1) for word in read.words] == [260, 10, 120]

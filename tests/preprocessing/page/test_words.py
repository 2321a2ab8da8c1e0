"""Words are found by the gaps between them."""

import cv2
import numpy as np
import pytest

from preprocessing.page.words import find_words
from tests.helpers.drawn_words import draw_word


@pytest.mark.parametrize("ruled", [False, True])
def test_words_lie_between_the_widest_gaps(ruled):
    words = ["some", "words", "here"]
    line = np.hstack([draw_word(word, paper=255) for word in words])
    widths = np.cumsum([draw_word(word).shape[1] for word in words])
    if ruled:
        cv2.line(line, (0, line.shape[0] - 32), (line.shape[1], line.shape[0] - 32), 40, 2)
    for lengths in (None, [4, 5, 4]):
        spans = find_words(line, lengths)
        assert [int(np.searchsorted(widths, end)) for _, end in spans] == [0, 1, 2]
        assert all(start > before for (start, _), before in zip(spans, [0, *widths]))


def test_there_are_no_more_words_than_gaps():
    assert find_words(np.full((40, 90), 255, np.uint8)) == []
    assert len(find_words(draw_word("l", paper=255), [1, 1, 1])) == 1


def test_words_are_as_wide_as_their_letters():
    """The gap before a comma is narrower than one within the next word."""
    pieces = [(0, 40), (46, 50), (70, 100), (114, 154), (174, 204)]
    line = np.full((40, 204), 255, np.uint8)
    slanted = (np.arange(20)[:, None] + np.arange(204)) // 4 % 2 == 0  # Level strokes would be rulings.
    for start, end in pieces:
        line[10:30, start:end][slanted[:, start:end]] = 0
    assert find_words(line, [4, 1, 7, 3]) == [(0, 40), (46, 50), (70, 154), (174, 204)]
    # Without such a word the widest gaps part them.
    assert find_words(line, [5, 7, 3]) == [(0, 50), (70, 154), (174, 204)]
    assert find_words(line, [4, 1, 3, 4, 3]) == pieces
    assert find_words(line, [15]) == [(0, 204)]


def test_a_line_without_text_has_no_words():
    line = np.full((30, 90), 255, np.uint8)
    line[10:20, 20:60] = 0
    assert find_words(line, []) == []

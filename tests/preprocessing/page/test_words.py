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
    for number in (None, 3):
        spans = find_words(line, number)
        assert [int(np.searchsorted(widths, end)) for _, end in spans] == [0, 1, 2]
        assert all(start > before for (start, _), before in zip(spans, [0, *widths]))


def test_there_are_no_more_words_than_gaps():
    assert find_words(np.full((40, 90), 255, np.uint8)) == []
    assert len(find_words(draw_word("l", paper=255), 3)) == 1

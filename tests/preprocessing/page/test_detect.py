"""Text is found on large pages part by part, each line once."""

import numpy as np
import pytest

from preprocessing.page import detect
from preprocessing.page.lines import find_lines
from tests.helpers.drawn_pages import LINES, written_page

pytest.importorskip("rapidocr")


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_a_page_seen_in_parts_has_the_lines_of_one_seen_whole(monkeypatch, parts):
    page = np.concatenate([written_page()] * 3)
    whole = find_lines(page, detect.TextDetector().find(page))
    assert len(whole) == 3 * len(LINES)
    monkeypatch.setattr(detect, "MOST_PIXELS", -(-page.size // parts))
    seen = find_lines(page, detect.TextDetector().find(page))
    assert len(seen) == len(whole)
    for line, other in zip(seen, whole):
        assert np.allclose(np.mean(line.polygon, axis=0), np.mean(other.polygon, axis=0), atol=20)

"""Text is found on large pages part by part, each line once."""

from types import SimpleNamespace

import numpy as np
import pytest

from preprocessing.page import detect
from preprocessing.page.lines import find_lines
from tests.helpers.drawn_pages import LINES, written_page

pytest.importorskip("rapidocr")


def test_a_line_at_the_cut_is_found_once(monkeypatch):
    """The detector sees it in both parts, whole in one and as two words in the other."""
    line, words = [[10, 495, 90, 505]], [[10, 495, 45, 505], [55, 495, 90, 505]]
    for first, second in ((line, line), (line, words), (words, line)):
        seen = iter([[*first, [10, 100, 90, 120]], [*second, [10, 800, 90, 820]]])
        starts = iter([0, 500 - detect.REACH])

        def find(*_, seen=seen, starts=starts, **__):
            start = next(starts)
            boxes = [[(a, b - start), (c, b - start), (c, d - start), (a, d - start)] for a, b, c, d in next(seen)]
            return SimpleNamespace(boxes=np.array(boxes, np.float32))

        monkeypatch.setattr(detect, "MOST_PIXELS", 50_000)
        detector = detect.TextDetector()
        detector._engine = find
        pieces = detector._find_in_parts(np.zeros((1000, 100, 3), np.uint8))
        assert sorted(pieces[:, 0, 1].tolist()) == sorted([100.0, *[495.0] * len(first), 800.0])


def test_a_page_seen_in_parts_has_the_lines_of_one_seen_whole(monkeypatch):
    page, detector = np.concatenate([written_page()] * 3), detect.TextDetector()
    whole = find_lines(page, detector.find(page))
    assert len(whole) == 3 * len(LINES)
    for parts in (2, 3, 5):
        monkeypatch.setattr(detect, "MOST_PIXELS", -(-page.size // parts))
        seen = find_lines(page, detector.find(page))
        assert len(seen) == len(whole)
        for line, other in zip(seen, whole):
            assert np.allclose(np.mean(line.polygon, axis=0), np.mean(other.polygon, axis=0), atol=20)

"""Text is found on large pages part by part, each line once."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from preprocessing.page import detect
from preprocessing.page.lines import find_lines
from tests.helpers.drawn_pages import LINES, PAPER, draw_page, rectangle, written_page

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


@pytest.mark.parametrize(
    ("text", "x", "y", "channels"), [("yes", 700, 1100, 1), ("no", 60, 90, 3), ("be", 900, 1350, 1)]
)
def test_a_short_word_alone_on_its_page_is_found(text, x, y, channels):
    page, _ = draw_page([(text, x, y, 30)], (1000, 1400))
    rows, columns = np.nonzero(page < 128)
    picture = np.dstack([page] * 3) if channels == 3 else page
    (line,) = find_lines(picture, detect.TextDetector().find(picture))
    (left, top), (right, bottom) = np.min(line.polygon, axis=0), np.max(line.polygon, axis=0)
    assert columns.min() - 25 < left <= columns.min() and columns.max() <= right < columns.max() + 25
    assert rows.min() - 25 < top <= rows.min() and rows.max() - 1 <= bottom < rows.max() + 25


def test_pages_without_writing_have_no_text():
    blank, framed = np.full((1400, 1000), PAPER, np.uint8), np.full((1400, 1000), PAPER, np.uint8)
    cv2.polylines(framed, [np.array(rectangle(60, 60, 940, 1340))], True, 30, 4)
    noise = np.random.default_rng(1).normal(PAPER, 8, (1400, 1000)).clip(0, 255).astype(np.uint8)
    speck = cv2.circle(blank.copy(), (300, 400), 10, 30, -1)
    ruled = cv2.line(blank.copy(), (200, 400), (800, 402), 30, 4)
    for page in (blank, framed, noise, speck, ruled, blank[:1, :1]):
        assert find_lines(page, detect.TextDetector().find(page)) == ()

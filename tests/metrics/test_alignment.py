"""Alignments of a label with a text, as long as the edit distance says, and what is counted on them."""

import editdistance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.alignment import align, diff, longest_runs


@pytest.mark.parametrize(
    "label, text, pairs",
    [
        ("abc", "abc", [("a", "a"), ("b", "b"), ("c", "c")]),
        ("ac", "abc", [("a", "a"), ("", "b"), ("c", "c")]),
        ("cat", "cut", [("c", "c"), ("a", "u"), ("t", "t")]),
        ("helo", "hello", [("h", "h"), ("e", "e"), ("", "l"), ("l", "l"), ("o", "o")]),
        ("", "a", [("", "a")]),
        ("a\u0301", "\u00e1", [("\u00e1", "\u00e1")]),
    ],
)
def test_alignment(label, text, pairs):
    assert align(label, text) == pairs


@settings(deadline=None)
@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_alignment_is_whole_and_shortest(label, text):
    pairs = align(label, text)
    assert "".join(of_label for of_label, _ in pairs) == label
    assert "".join(of_text for _, of_text in pairs) == text
    assert sum(a != b for a, b in pairs) == editdistance.eval(label, text)


def test_difference_joins_what_is_equal():
    assert diff(align("hollow", "hallo")) == ["h", ("o", "a"), "llo", ("w", "")]
    assert diff([]) == []


def test_runs_that_are_skipped_or_repeated():
    assert longest_runs("one two three", "one three") == (4, 0)
    assert longest_runs("nation", "nationation") == (0, 5)
    assert longest_runs("word", "ward") == (0, 0)

"""Lines of an evaluation: figures by hand, and groups that hold the right words."""

import pytest

from base.base_predictor import Prediction
from metrics.evaluation_report import confidence_report, label_kind, length_group, report, table

LABELS = ["House", "the", "1961", ",", "don't", "understanding"]
TEXTS = ["house", "the", "1967", ".", "don't", "understand"]
# Errors 1 0 1 1 0 3 over 5 3 4 1 5 13 characters.


def test_kinds_of_labels():
    expected = {
        "contains digits": ["1961", "2nd", "M1", "1,000", "\u00bd"],
        "words": ["the", "don't", "M.P.", "A", "\u00e9t\u00e9", "week-end"],
        "punctuation only": [",", "...", "\u00a3", '"', "- -"],
        None: [""],
    }
    assert {kind: [label for label in labels if label_kind(label) == kind] for kind, labels in expected.items()} == (
        expected
    )


@pytest.mark.parametrize(
    ("length", "group"),
    [
        (0, None),
        (1, "1"),
        (2, "2-3"),
        (3, "2-3"),
        (4, "4-6"),
        (6, "4-6"),
        (7, "7-9"),
        (9, "7-9"),
        (10, "10+"),
        (30, "10+"),
    ],
)
def test_groups_of_lengths(length, group):
    assert length_group("a" * length) == group


def test_table_by_hand():
    groups = ["b", "a", "b", None, "c", "a"]
    assert [line.split() for line in table("by x", LABELS, TEXTS, groups, ("a", "b", "c", "d"))] == [
        ["by", "x", "n", "CER", "WER"],
        ["a", "2", "18.75%", "50.00%"],  # 3 / 16
        ["b", "2", "22.22%", "100.00%"],  # 2 / 9
        ["c", "1", "0.00%", "0.00%"],
    ]
    assert table("by x", LABELS, TEXTS, [None] * 6, ("a", "b")) == []


def test_report_by_hand():
    writers = ["u", "u", "v", "v", "v", "u"]
    lines = report(LABELS, TEXTS, writers)
    assert lines[0] == "n:    6 words"
    # Both writers drawn twice, or one of each: 4 of 21, 2 of 10, 6 of 31 characters; 2 of 3 words each.
    assert lines[4] == "95 % interval over 2 writers: CER 19.05 to 20.00 %  WER 66.67 to 66.67 %"
    assert [line.split() for line in lines[5:15]] == [
        ["by", "kind", "of", "label", "n", "CER", "WER"],
        ["words", "4", "15.38%", "50.00%"],  # 4 / 26
        ["punctuation", "only", "1", "100.00%", "100.00%"],
        ["contains", "digits", "1", "25.00%", "100.00%"],
        ["by", "label", "length", "n", "CER", "WER"],
        ["1", "1", "100.00%", "100.00%"],
        ["2-3", "1", "0.00%", "0.00%"],
        ["4-6", "3", "14.29%", "66.67%"],  # 2 / 14
        ["10+", "1", "23.08%", "100.00%"],  # 3 / 13
        ["CER:", "19.35", "%"],  # 6 / 31
    ]
    assert lines[-2:] == ["CER: 19.35 %", "WER: 66.67 %"]
    assert len({len(line) for line in lines[5:-2]}) == 1  # columns stand below each other


def test_labels_that_are_only_punctuation_have_no_rate_without_it():
    lines = report([",", "..."], [",", ".."], [None] * 2)
    assert not any("nan" in line for line in lines) and lines[-2:] == ["CER: 25.00 %", "WER: 50.00 %"]
    assert any("without punctuation" in line for line in report([",", "a"], [",", "a"], [None] * 2))


@pytest.mark.parametrize("writers", [[None] * 6, ["u"] * 5 + [None], ["u"] * 6])
def test_nothing_is_said_of_unknown_writers(writers):
    lines = report(LABELS, TEXTS, writers)
    assert not any("writer" in line for line in lines)
    assert lines[-2:] == ["CER: 19.35 %", "WER: 66.67 %"]


def test_confidence_by_hand():
    """Two of six words are right; the least confident fifth is one word, and wrong."""
    confidences = [0.5, 0.9, 0.5, 0.05, 0.9, 0.5]
    predictions = [Prediction(text, p, ()) for text, p in zip(TEXTS, confidences)]
    first, second = confidence_report(LABELS, predictions)
    # Bins: 0.05 with none right; 0.5 three times with none; 0.9 twice, both right: (0.05 + 1.5 + 0.2) / 6.
    assert first == "expected calibration error: 29.17% (not calibrated)"
    assert second == "the 20 % least confident words hold 25.0% of the errors"
    raw = [Prediction(text, p, (), (), 1.0) for text, p in zip(TEXTS, confidences)]
    lines = confidence_report(LABELS, raw, min_confidence=0.5)
    assert lines[0] == "expected calibration error: 29.17% (66.67% before calibration)"
    assert [line.split() for line in lines[2:]] == [
        ["by", "confidence", "n", "CER", "WER"],
        ["below", "0.5", "1", "100.00%", "100.00%"],
        ["0.5", "and", "more", "5", "16.67%", "60.00%"],  # 5 / 30
    ]
    assert len(confidence_report(["a"], [Prediction("a", 0.5, ())])) == 1  # without errors none can be found


def test_lines_that_lost_a_part_or_have_one_twice_are_counted():
    labels = ["to be or not to be", "that is the question", "whether"]
    texts = ["to be to be", "that is the question the question", "whether"]
    assert "lines with 5 or more characters in a row too few: 1, too many: 1" in report(labels, texts, [None] * 3)
    assert not any("in a row" in line for line in report(["a", "b"], ["a", "c"], [None] * 2))

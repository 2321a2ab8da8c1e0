"""Error rates: figures computed by hand, and agreement with a slow textbook edit distance."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metrics.score_prediction import score_prediction, writer_bootstrap
from preprocessing.tokenizer import normalize_label

TEXTS = st.text("abcAB.'\u00e9e\u0301\u00df", max_size=12)


def slow_distance(first: str, second: str) -> int:
    """The textbook dynamic programme, full table."""
    table = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(second) + 1)] for i in range(len(first) + 1)]
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            change = table[i - 1][j - 1] + (first[i - 1] != second[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, change)
    return table[-1][-1]


def test_figures_by_hand():
    labels = ["House", "the", "don't", ",", "a"]
    predictions = ["house", "the", "dont", ".", ""]
    # Distances 1 0 1 1 1 over lengths 5 3 5 1 1. Caseless: 0 0 1 1 1. Without punctuation "," is left out: 1 0 0 1 over
    # 5 3 4 1.
    assert dataclasses.asdict(score_prediction(labels, predictions)) == pytest.approx(
        {
            "n": 5,
            "words": 5,
            "cer": 4 / 15,
            "wer": 4 / 5,
            "mean_word_cer": (1 / 5 + 0 + 1 / 5 + 1 + 1) / 5,
            "cer_caseless": 3 / 15,
            "wer_caseless": 3 / 5,
            "n_no_punctuation": 4,
            "cer_no_punctuation": 2 / 13,
            "wer_no_punctuation": 2 / 4,
        }
    )


def test_a_long_prediction_divides_by_the_reference_in_cer_and_by_itself_in_mean_word_cer():
    scores = score_prediction(["a"], ["abcd"])
    assert (scores.cer, scores.mean_word_cer) == (3.0, 0.75)


def test_words_of_lines_are_counted():
    # One of three words replaced, one of two lost and none of one: 2 / 6. Characters: 1 + 4 over 11 + 6 + 2.
    scores = score_prediction(["the old cat", "so far", "on"], ["the odd cat", "so", "on"])
    assert (scores.n, scores.words, scores.wer, scores.cer) == (3, 6, 2 / 6, 5 / 19)
    # A word read as two is a substitution and an insertion; white space that is only wider is no error of a word.
    assert score_prediction(["into a", "a b"], ["in to a", "a  b"]).wer == 2 / 4
    low, high = writer_bootstrap(["the old cat"], ["the odd cat"], ["ann"])["wer"]
    assert low == high == pytest.approx(1 / 3)


def test_case_folding_and_symbols():
    # "ß" folds to "ss"; "£" and "^" are symbols, "-" is punctuation, digits are neither.
    scores = score_prediction(["Straße", "£5-10"], ["STRASSE", "5^10"])
    assert (scores.cer_caseless, scores.wer_caseless) == (2 / 12, 1 / 2)
    assert (scores.cer_no_punctuation, scores.wer_no_punctuation) == (6 / 9, 1 / 2)


def test_marks_between_words_leave_one_space():
    scores = score_prediction(["an hour , and", ", ."], ["an hour, and", "x"])
    assert (scores.cer_no_punctuation, scores.wer_no_punctuation, scores.n_no_punctuation) == (0, 0, 1)


def test_only_punctuation_leaves_nothing_to_rate_without_it():
    scores = score_prediction(["."], ["."])
    assert scores.n_no_punctuation == 0
    assert math.isnan(scores.cer_no_punctuation) and math.isnan(scores.wer_no_punctuation)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [([], [], "no words"), (["a"], ["a", "b"], "1 labels, but 2 predictions"), ([""], ["a"], "every label is empty")],
)
def test_nothing_to_score_is_an_error(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        score_prediction(labels, predictions)
    with pytest.raises(ValueError, match=message):
        writer_bootstrap(labels, predictions, ["w"] * len(labels))


@given(TEXTS, TEXTS)
@example("ab" * 700, "ba" * 650)  # beyond the 640 characters where the package changes its algorithm
@settings(deadline=None)
def test_character_errors_are_the_textbook_distance(label, prediction):
    label, prediction = normalize_label(label) or "x", normalize_label(prediction)
    assert score_prediction([label], [prediction]).cer == slow_distance(label, prediction) / len(label)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_rates_equal_their_definition(pairs):
    pairs = [(normalize_label(label) or "x", normalize_label(prediction)) for label, prediction in pairs]
    scores = score_prediction(*zip(*pairs, strict=True))
    distances = [slow_distance(*pair) for pair in pairs]
    longest = [max(map(len, pair)) for pair in pairs]
    assert scores.n == len(pairs)
    assert scores.cer == pytest.approx(sum(distances) / sum(len(label) for label, _ in pairs))
    assert scores.wer == pytest.approx(sum(distance > 0 for distance in distances) / len(pairs))
    assert scores.mean_word_cer == pytest.approx(np.mean([d / n for d, n in zip(distances, longest, strict=True)]))
    assert scores.wer_caseless <= scores.wer


def test_bootstrap_of_equal_writers_has_no_width():
    assert writer_bootstrap(["ab", "cd"] * 3, ["ab", "cx"] * 3, ["u", "u", "v", "v", "w", "w"]) == {
        "cer": (0.25, 0.25),
        "wer": (0.5, 0.5),
    }


def test_bootstrap_draws_whole_writers():
    # One writer all wrong, one all right: a draw holds 0, 1 or 2 of the wrong one with 1/4, 1/2, 1/4.
    labels, writers = ["ab"] * 20, ["bad"] * 10 + ["good"] * 10
    predictions = ["xy"] * 10 + ["ab"] * 10
    assert writer_bootstrap(labels, predictions, writers) == {"cer": (0.0, 1.0), "wer": (0.0, 1.0)}
    # The same words as writers of their own hold together far better.
    low, high = writer_bootstrap(labels, predictions, [None] * 20)["wer"]
    assert 0.2 <= low <= 0.35 and 0.65 <= high <= 0.8


def test_bootstrap_covers_the_figure_and_depends_on_the_seed_alone():
    rng = np.random.default_rng(3)
    labels = ["abcd"] * 400
    predictions = ["abcd" if right else "abc" for right in rng.random(400) < 0.7]
    writers = [str(row // 10) for row in range(400)]
    intervals = writer_bootstrap(labels, predictions, writers, seed=7)
    scores = score_prediction(labels, predictions)
    for name in ("cer", "wer"):
        low, high = intervals[name]
        assert low < getattr(scores, name) < high
    assert intervals == writer_bootstrap(labels, predictions, writers, seed=7)
    assert intervals != writer_bootstrap(labels, predictions, writers, seed=8)


def test_bootstrap_refuses_lists_of_different_length():
    with pytest.raises(ValueError, match="2 labels, but 1 writers"):
        writer_bootstrap(["a", "b"], ["a", "b"], ["w"])

"""Tokenizer: ids by hand, and that no label is changed on the way to ids and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.tokenizer import END, PAD, START, Tokenizer, normalize_label
from utils.errors import UserError

LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def test_ids_follow_the_charset_from_three():
    tokenizer = Tokenizer("ba[")
    assert (PAD, START, END) == (0, 1, 2)
    assert tokenizer.vocabulary_size == 6
    assert tokenizer.encode("[ab") == [5, 4, 3]


def test_encode_batch_shifts_the_target_by_one():
    inputs, targets = Tokenizer("abc").encode_batch(["ab", "", "cab"])
    assert inputs.tolist() == [[1, 3, 4, 0], [1, 0, 0, 0], [1, 5, 3, 4]]
    assert targets.tolist() == [[3, 4, 2, 0], [2, 0, 0, 0], [5, 3, 4, 2]]
    assert inputs.dtype == targets.dtype == np.int32


def test_the_longest_label_that_fits_and_the_first_that_does_not():
    tokenizer = Tokenizer("abc")
    assert tokenizer.encode_batch(["abc"], length=4)[1].tolist() == [[3, 4, 5, 2]]
    with pytest.raises(UserError, match=r"'abc' has 3 characters.*max_seq_length"):
        tokenizer.encode_batch(["a", "abc"], length=3)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([3, 4, 2, 3], "ab"),
        ([3, 0, 4], "a"),
        ([1, 3, 1, 4], "ab"),
        ([2], ""),
        ([], ""),
        ([4, 4], "bb"),
        (np.array([4, 3, 2], np.int64), "ba"),
    ],
)
def test_decode_stops_at_the_end_and_writes_no_special_id(ids, text):
    assert Tokenizer("ab").decode(ids) == text


@pytest.mark.parametrize("index", [5, -1])
def test_decode_refuses_ids_outside_the_vocabulary(index):
    with pytest.raises(ValueError, match=f"id {index} "):
        Tokenizer("ab").decode([3, index])


def test_unknown_characters_are_named_once_each():
    with pytest.raises(UserError, match=r"'abxay' contains 'x', 'y', not in the charset"):
        Tokenizer("ab").encode("abxay")


def test_composed_and_decomposed_labels_are_one():
    tokenizer = Tokenizer.from_labels(["caf\u00e9", "cafe\u0301"])
    assert tokenizer.charset == "acf\u00e9"
    assert tokenizer.encode("e\u0301") == [6] == tokenizer.encode("\u00e9")


def test_a_mark_without_composed_form_is_a_character_of_its_own():
    # Sorted, "z" stands before the accent, and both would compose if the charset were normalised as a text.
    tokenizer = Tokenizer.from_labels(["q\u0301z"])
    assert tokenizer.charset == "qz\u0301"
    assert tokenizer.decode(tokenizer.encode("q\u0301z")) == "q\u0301z"


@pytest.mark.parametrize(
    ("charset", "message"),
    [("", "empty"), ("abca", "repeats 'a'"), ("a\u212b", "'\u212b', which no label .* write '\u00c5' instead")],
)
def test_bad_charsets_are_refused(charset, message):
    with pytest.raises(UserError, match=message):
        Tokenizer(charset)


@given(st.lists(LABELS, min_size=1, max_size=6))
def test_round_trip(labels):
    tokenizer = Tokenizer.from_labels(labels)
    assert Tokenizer(tokenizer.charset).charset == tokenizer.charset == "".join(sorted(tokenizer.charset))
    inputs, targets = tokenizer.encode_batch(labels)
    assert inputs.shape == (len(labels), max(len(normalize_label(label)) for label in labels) + 1)
    for label, given_ids, wanted_ids in zip(labels, inputs, targets, strict=True):
        assert tokenizer.decode(given_ids) == tokenizer.decode(wanted_ids) == normalize_label(label)
        length = len(normalize_label(label))
        assert given_ids[0] == START and wanted_ids[length] == END
        assert (given_ids[1 : length + 1] == wanted_ids[:length]).all()
        assert not given_ids[length + 1 :].any() and not wanted_ids[length + 1 :].any()
        assert (wanted_ids[:length] > END).all()

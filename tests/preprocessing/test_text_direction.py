"""Right-to-left labels: orders by hand, and that reading undoes writing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from preprocessing import text_direction
from preprocessing.text_direction import logical, visual
from preprocessing.tokenizer import Tokenizer, normalize_label
from utils.errors import UserError

HEBREW, ARABIC, LATIN = "\u05d0\u05d1\u05d2", "\u0627\u0628\u062a", "abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u05d0\u05d1\u05d2", "\u05d2\u05d1\u05d0"),
        ("\u05d0\u05d1 12", "12 \u05d1\u05d0"),
        ("\u05d0\u05d1 ab cd \u05d2", "\u05d2 ab cd \u05d1\u05d0"),
        ("\u05d0(\u05d1", "\u05d1)\u05d0"),
        ("\u05d0\u05b8\u05d1\u05b9", "\u05d1\u05b9\u05d0\u05b8"),  # vowels stay behind their letters
        ("\u0627 12-3", "3-12 \u0627"),  # rule W2
        ("\u05d0 12-3", "12-3 \u05d0"),
        ("\u0627 5%", "%5 \u0627"),
        ("", ""),
        ("ab 12", "ab 12"),
    ],
)
def test_orders(text, shown):
    assert visual(text) == shown
    assert logical(shown)[0] == text


def test_a_number_before_a_latin_word_comes_back_behind_it():
    assert visual("\u05d0 12 ab") == visual("\u05d0 ab 12") == "ab 12 \u05d0"
    assert logical("ab 12 \u05d0")[0] == "\u05d0 ab 12"


DIGITS, SIGNS, VOWELS = "012", " .,:()[]!?\"'", "\u05b8\u05b9\u0301"


@given(
    st.one_of(
        *(
            st.text(alphabet, max_size=16)
            for alphabet in (
                HEBREW + DIGITS + SIGNS + VOWELS,
                ARABIC + "\u0660\u0661" + SIGNS,
                ARABIC + DIGITS + " ()!?",
                HEBREW + ARABIC + LATIN + SIGNS + VOWELS,
            )
        )
    )
)
@example("\u0627\u05d01 2")
def test_reading_undoes_writing(text):
    text = normalize_label(text.lstrip(VOWELS))  # a mark without a letter has no place
    back, places = logical(visual(text))
    assert back == text
    assert sorted(places) == list(range(len(text)))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_no_character_is_lost(text):
    for other in (visual(text), logical(text)[0]):
        assert len(other) == len(text)
        assert set(text_direction.with_mirrored(other)) == set(text_direction.with_mirrored(text))


@given(st.text(HEBREW + LATIN + DIGITS + "( ", min_size=1, max_size=12))
def test_the_tokenizer_writes_from_left_to_right(text):
    tokenizer = Tokenizer.from_labels([text, HEBREW], "rtl")
    assert Tokenizer(tokenizer.charset, "rtl").charset == tokenizer.charset
    ids = tokenizer.encode(text)
    assert Tokenizer(tokenizer.charset).decode(ids) == visual(text)
    decoded = tokenizer.decode(ids)
    assert tokenizer.encode(decoded) == ids
    # Each character's place among the ids, up to mirroring.
    shown = [tokenizer.charset[ids[place] - 3] for place in tokenizer.reading_order(ids)]
    assert [char for char in shown if char not in "()"] == [char for char in decoded if char not in "()"]


@given(st.text(LATIN + DIGITS + "( \u0323", min_size=1, max_size=12))
@example("12 ab(")
@example("0b\u03231")
def test_without_a_right_to_left_letter_it_is_mirror_writing(text):
    text = normalize_label(text.lstrip("\u0323"))
    tokenizer = Tokenizer.from_labels([text, "()b\u0323"], "rtl")
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert list(text) == [
        tokenizer.charset[ids[place] - 3].translate({40: 41, 41: 40}) for place in tokenizer.reading_order(ids)
    ]
    if "\u0323" not in text:
        assert Tokenizer(tokenizer.charset).decode(ids) == text[::-1].replace("(", ")")


def test_only_chosen_characters():
    tokenizer = Tokenizer("ab(\u05d0", "rtl")
    assert tokenizer.charset == "ab(\u05d0)"
    assert tokenizer.refused_ids("b(").tolist() == [True, True, False, True, False, False, True, False]


def test_without_the_package_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(text_direction, "algorithm", None)
    assert Tokenizer("ab").encode("ab") == [3, 4]
    with pytest.raises(UserError, match="pip install python-bidi"):
        Tokenizer("ab", "rtl")

"""Faults of labels that look right."""

import pytest

from preprocessing.label_checks import described, invisible, lookalikes, mixed_directions
from preprocessing.labels import Word

CYRILLIC_A, CYRILLIC_O = "\u0430", "\u043e"


def words(*labels):
    return [Word(f"{index}.png", label) for index, label in enumerate(labels)]


def test_invisible_characters():
    labels = ["plain text", "zero\u200bwidth", "\ufefffirst", "soft\u00adhyphen\u00ad", "no\u00a0break", "\t"]
    found = invisible(words(*labels))
    assert found.files == ("1.png", "2.png", "3.png", "4.png", "5.png")
    assert found.characters == {"\u00ad": 2, "\u200b": 1, "\ufeff": 1, "\u00a0": 1, "\t": 1}
    assert next(described(found.characters)) == "U+00AD soft hyphen 2"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["word", f"r{CYRILLIC_A}in"], {CYRILLIC_A: 1}),
        (["\u043c\u0438\u0440", "\u043c\u0438\u0440a"], {"a": 1}),  # a Latin a in a Cyrillic word
        (["word", CYRILLIC_A], {CYRILLIC_A: 1}),  # no other label is Cyrillic
        (["word", "\u043c\u0438\u0440", CYRILLIC_A], {}),  # a word of the one or the other
        (["a word", "\u043c\u0438\u0440 " + CYRILLIC_A], {}),
        (["word", f"{CYRILLIC_A}bc{CYRILLIC_O}"], {CYRILLIC_A: 1, CYRILLIC_O: 1}),
        (["word", "\u03bf\u03bd"], {"\u03bf": 1, "\u03bd": 1}),
        (["1,000", "", "\u05d0\u05d1"], {}),
        (["ace", "sea"], {}),
        (["\u041c\u0438\u0440 \u21165", "\u2116\u0420"], {}),  # a numero sign beside Cyrillic
        (["Ma Norte", "M\u00aa", "N\u00ba 5", "S\u1d43", "\uff21b"], {}),  # raised letters and a wide one
    ],
)
def test_letters_of_another_script(labels, expected):
    assert lookalikes(words(*labels)).characters == expected


def test_mixed_directions():
    found = mixed_directions(words("plain 12", "\u05d0\u05d1 12", "\u05d0\u05d1\u05d2 a", "the \u0627"))
    assert found.files == ("2.png", "3.png")
    assert found.characters == {"a": 1, "\u0627": 1}

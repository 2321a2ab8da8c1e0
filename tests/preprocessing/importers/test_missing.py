"""Every cause of a missing image is named, also where several come together."""

import unicodedata

import pytest

from preprocessing.importers.missing import why_missing
from tests.helpers.importers import picture

SLASH, CASE, FIRST, DOUBLED, FLAT = "write / for", "case", "must not begin with", "--images must be", "not hold folders"


@pytest.fixture
def folder(tmp_path):
    for name in ("page1/word1.png", "top.png", "images/inner.png", unicodedata.normalize("NFD", "größe.png")):
        picture(tmp_path / "images" / name)
    return tmp_path / "images"


@pytest.mark.parametrize(
    ("filename", "found", "causes"),
    [
        ("Page1/word1.png", "page1/word1.png", [CASE]),
        ("page1/word1.jpg", "page1/word1.png", [".png instead of .jpg"]),
        ("page1/word1", "page1/word1.png", ["ending .png"]),
        ("PAGE1\\word1.png", "page1/word1.png", [SLASH, CASE]),
        ("images\\page1\\word1.png", "page1/word1.png", [SLASH, FIRST]),
        ("Page1\\WORD1.tif", "page1/word1.png", [SLASH, CASE, ".png instead of .tif"]),
        ("Inner.png", "images/inner.png", [DOUBLED, CASE]),
        ("a/b/top.png", "top.png", [FLAT]),
        ("GRÖSSE.png", unicodedata.normalize("NFD", "größe.png"), ["form NFD", CASE]),
        ("Größe.png", unicodedata.normalize("NFD", "größe.png"), ["form NFD", CASE]),
        ("page1/word2.png", None, []),
        ("a\\\\b", None, []),
        ("x" * 300, None, []),
    ],
)
def test_causes(folder, filename, found, causes):
    sentence = why_missing(folder, filename)
    assert str(folder / filename) in sentence
    assert sentence.count(", and ") == max(0, len(causes) - 1) + (not found)
    assert all(cause in sentence for cause in causes)
    assert (f"; {folder / found} exists: " in sentence) if found else ("nothing in" in sentence)

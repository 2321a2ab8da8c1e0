"""Importers name the problem of an image file."""

import errno
import os

import pytest

from preprocessing.image_file import UnusableImage
from preprocessing.importers.checks import drop_bad_images, image_problem
from preprocessing.importers.labelled_word import LabelledWord
from preprocessing.labels import Word
from tests.helpers.bad_inputs import png_of
from tests.helpers.importers import encoded, picture
from utils.config.image import ImageConfig
from utils.errors import UserError


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (encoded(), None),
        (encoded(".jpg"), None),
        (b"", "empty file"),
        (b"not an image", "unreadable image: not an image"),
        (encoded(height=200, width=200)[:-200], "unreadable image: truncated or damaged file"),
        (encoded(".jpg")[:-100], "unreadable image: truncated or damaged file"),
        (png_of(10_000, 5_001), "image too large"),
        (png_of(10_000, 5_000), "unreadable image: truncated or damaged file"),
    ],
)
def test_image_problems(tmp_path, content, problem):
    picture(tmp_path / "a.png", content)
    assert image_problem(tmp_path / "a.png", ImageConfig()) == problem


def test_a_passing_failure_drops_no_word(tmp_path, monkeypatch):
    picture(tmp_path / "a.png")

    def failing(path, image):
        raise UnusableImage(path, os.strerror(errno.EIO).lower())

    monkeypatch.setattr("preprocessing.importers.checks.decode", failing)
    records = [LabelledWord(Word("a.png", "a"))]
    with pytest.raises(UserError, match=r"a\.png"):
        drop_bad_images(records, tmp_path, 2, ImageConfig())

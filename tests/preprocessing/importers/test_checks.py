"""Importers name the problem of an image file."""

import pytest

from preprocessing.importers.checks import image_problem
from tests.helpers.bad_inputs import png_of
from tests.helpers.importers import encoded, picture
from utils.config.image import ImageConfig


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (encoded(), None),
        (encoded(".jpg"), None),
        (b"", "empty file"),
        (b"not an image", "unreadable image"),
        (encoded(height=200, width=200)[:-200], "unreadable image"),
        (encoded(".jpg")[:-100], "unreadable image"),
        (png_of(10_000, 5_001), "image too large"),
        (png_of(10_000, 5_000), "unreadable image"),
    ],
)
def test_image_problems(tmp_path, content, problem):
    picture(tmp_path / "a.png", content)
    assert image_problem(tmp_path / "a.png", ImageConfig()) == problem

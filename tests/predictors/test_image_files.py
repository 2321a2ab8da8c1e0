"""Files, folders and globs on the command line."""

import os
from pathlib import Path

import pytest

from predictors.image_files import find_images
from utils.errors import UserError


@pytest.fixture
def scans(tmp_path, monkeypatch) -> Path:
    """Folders of empty files; the working folder is theirs."""
    names = ["b.png", "a.PNG", "notes.txt", "page1/2.jpg", "page1/deep/1.tif", "page2/x[1].png", "page3/y.bmp"]
    for name in [*names, "page1/._2.jpg", "page2/.hidden.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "page3" / "folder.png").mkdir()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["b.png", "a.PNG"], ["b.png", "a.PNG"]),
        (["notes.txt"], ["notes.txt"]),  # who names a file wants it read, or told why it can't be
        (["page1"], ["page1/2.jpg", "page1/deep/1.tif"]),
        (["page1/"], ["page1/2.jpg", "page1/deep/1.tif"]),
        (["."], ["a.PNG", "b.png", "page1/2.jpg", "page1/deep/1.tif", "page2/x[1].png", "page3/y.bmp"]),
        (["*.png", "*.PNG"], ["b.png", "a.PNG"]),
        (["page[12]"], ["page1/2.jpg", "page1/deep/1.tif", "page2/x[1].png"]),
        (["**/*.jpg", "**/*.tif"], ["page1/2.jpg", "page1/deep/1.tif"]),
        (["page2/x[1].png"], ["page2/x[1].png"]),  # a file of this name comes before what it would match
        (["b.png", "*.png", "page1/2.jpg", "page1"], ["b.png", "page1/2.jpg", "page1/deep/1.tif"]),
    ],
)
def test_found(scans, patterns, found):
    assert [path.as_posix() for path in find_images(patterns)] == found


@pytest.mark.parametrize("pattern", ["none.png", "*.gif", "empty", "e*", "", "x" * 5000, "a\0b"])
def test_nothing_found(scans, pattern):
    with pytest.raises(UserError, match="names no image file"):
        find_images(["b.png", pattern])


def test_links_in_circles_end(scans):
    os.symlink(scans, scans / "page1" / "up")
    assert len(find_images(["page1"])) == 2

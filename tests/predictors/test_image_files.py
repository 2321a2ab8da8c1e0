"""Files, folders and globs on the command line."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from predictors.image_files import find_images
from preprocessing.image_file import UnusableImage, decode
from utils.config.image import ImageConfig
from utils.errors import UserError


@pytest.fixture
def scans(tmp_path, monkeypatch) -> Path:
    """Folders of empty files; the working folder is theirs."""
    names = ["b.png", "a.PNG", "notes.txt", "page1/2.jpg", "page1/deep/1.tif", "page2/x[1].png", "page3/y.bmp"]
    for name in [*names, "page1/._2.jpg", "page2/.hidden.png", ".picasaoriginals/a.png", "__MACOSX/page1/2.bmp"]:
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
        (["[bn]*", "notes.txt"], ["b.png", "notes.txt"]),
        (["[bn]*"], ["b.png"]),
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


@pytest.mark.parametrize("pattern", ["none.png", "*.gif", "*.txt", "empty", "e*", "", "x" * 5000, "a\0b"])
def test_nothing_found(scans, pattern):
    with pytest.raises(UserError, match="names no image file"):
        find_images(["b.png", pattern])


def test_links_in_circles_end(scans):
    os.symlink(scans, scans / "page1" / "up")
    assert len(find_images(["page1"])) == 2


def test_other_files_of_a_folder_are_counted(scans, capsys):
    (scans / "page1" / "words.pdf").touch()
    find_images(["page1"])
    assert "1 .pdf" in capsys.readouterr().err
    find_images(["page2"])
    assert not capsys.readouterr().err


def test_other_files_that_a_glob_matches_are_counted_once(scans, capsys):
    (scans / "page1" / "deep" / "words.csv").touch()
    find_images(["**", "*", "page1"])
    error = capsys.readouterr().err
    assert error.count("1 .csv") == error.count("1 .txt") == 1
    find_images(["*", "notes.txt"])
    assert not capsys.readouterr().err.count(".txt")


@pytest.mark.parametrize("name", ["words.json", "./words.json", "link.json"])
@pytest.mark.parametrize("options", [["--page"], []])
def test_a_file_that_is_read_is_not_replaced(tmp_path, monkeypatch, capsys, name, options):
    """A picture may have any name; it is refused before a model is looked for."""
    monkeypatch.chdir(tmp_path)
    Path("words.json").write_bytes(b"a picture")
    os.symlink("words.json", "link.json")
    model = ["--set", "predict.weights_file=none", "experiment_folder=none"]
    assert main.main(["--predict", *options, "--filename", "words.json", "--output", name, *model]) == 2
    assert name.removeprefix("./") in capsys.readouterr().err
    assert Path("link.json").is_symlink() and Path("words.json").read_bytes() == b"a picture"


def test_labels_that_are_read_are_not_replaced(dataset, tmp_path, tiny, capsys):
    labels = shutil.copy(dataset / "labels.json", tmp_path)
    before = Path(labels).read_bytes()
    assert main.main(["-c", str(tiny(labels_file=str(labels))), "--predict_on_test", "--output", str(labels)]) == 2
    assert "labels.json" in capsys.readouterr().err and Path(labels).read_bytes() == before


@pytest.mark.parametrize("ending", ["jfif", "jp2", "avif"])
def test_what_pillow_decodes_is_read(tmp_path, ending):
    pixels = np.full((40, 60), 255, np.uint8)
    pixels[10:30, 20:40] = 0
    kind = {"jfif": "JPEG", "jp2": "JPEG2000", "avif": "AVIF"}[ending]
    Image.fromarray(pixels).save(tmp_path / f"a.{ending}", kind)
    (path,) = find_images([str(tmp_path)])
    assert np.abs(decode(path, ImageConfig()).astype(int) - pixels).max() < 60


def test_pages_beyond_the_first_are_told(tmp_path, capsys):
    pages = [Image.new("L", (30, 20), shade) for shade in (0, 100, 200)]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    assert (decode(tmp_path / "scan.tif", ImageConfig()) == 0).all()
    assert "scan.tif has 3 pages" in capsys.readouterr().err


def test_heic_without_its_plugin_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"x")
    with pytest.raises(UnusableImage, match="pillow-heif"):
        decode(tmp_path / "a.heic", ImageConfig())


def test_a_folder_that_can_not_be_listed_is_named(scans, monkeypatch):
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UserError, match="deep"):
        find_images(["page1"])


def test_linked_folders_are_named(scans, capsys):
    (scans / "page1" / "more").symlink_to(scans / "page2")
    assert [path.name for path in find_images(["page1"])] == ["2.jpg", "1.tif"]
    assert str(Path("page1", "more")) in capsys.readouterr().err

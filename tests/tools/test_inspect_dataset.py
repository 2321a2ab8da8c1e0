"""The dataset inspection, on a few hand-made words whose every fact is known."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from preprocessing.dataset_checks import crowded, problems, scan, unseen_characters, with_spaces
from preprocessing.importers.checks import OUTSIDE_FOLDER
from preprocessing.labels import read_labels
from tools import inspect_dataset
from utils.config.image import ImageConfig


def save(path: Path, width: int, grey: int, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((height, width), grey, np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Ten images and a labels file: see the comments."""
    folder = tmp_path_factory.mktemp("inspect")
    words = folder / "words"
    for index in range(6):
        save(words / f"{index}.png", width=60 + index, grey=index)
    save(words / "sub" / "copy.png", width=60, grey=0)  # the pixels of 0.png
    save(words / "narrow.png", width=20, grey=50)
    (words / "empty.png").touch()
    (words / "text.png").write_text("no image", encoding="utf-8")
    splits = {
        "train": [
            {"filename": "0.png", "label": "abc", "writer": "A"},
            {"filename": "1.png", "label": "aab", "writer": "B"},
            {"filename": "2.png", "label": "a b", "writer": "B"},
            {"filename": "sub/copy.png", "label": "abd", "writer": "A"},  # repeats 0.png, says something else
            {"filename": "narrow.png", "label": "abcabcabc", "writer": "A"},
            {"filename": "empty.png", "label": "a", "writer": "A"},
            {"filename": "gone.png", "label": "a", "writer": "A"},
            {"filename": "3.png", "label": "   ", "writer": "A"},
        ],
        "val": [
            {"filename": "./1.png", "label": "aab", "writer": "B"},  # the file is in train, too
            {"filename": "4.png", "label": "xyz"},
            {"filename": "text.png", "label": "b", "writer": "C"},
        ],
        "test": [{"filename": "sub/copy.png", "label": "abc", "writer": "D"}, {"filename": "5.png", "label": "ab"}],
    }
    (folder / "labels.json").write_text(json.dumps(splits), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def entries(folder):
    return scan(read_labels(folder / "labels.json"), folder / "words", ImageConfig())


def test_what_looks_wrong(entries):
    assert problems(entries) == {"empty file": 1, "missing file": 1, "not an image": 1}
    assert with_spaces(entries) == ["2.png"]
    # 20 pixels for nine characters, where others have about twenty each.
    assert crowded(entries) == ["narrow.png"]
    assert unseen_characters(entries) == "xyz"


def test_command_line(folder, tmp_path, capsys):
    places = ["--images", str(folder / "words"), "--labels_file", str(folder / "labels.json")]
    assert inspect_dataset.main([*places, "--plot", str(tmp_path / "plots" / "out.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:16].strip(): line[16:].split() for line in lines if line[16:17] == " "}
    assert rows["words"] == ["8", "3", "2"]
    assert rows["unreadable"] == ["2", "1", "0"]
    assert rows["writers"] == ["2", "2", "1"] and rows["without writer"] == ["0", "1", "1"]
    assert rows["image height, px"] == ["30"] * 6
    assert rows["image width, px"][-1] == "65" and rows["label length"] == ["1", "1", "3", "3", "8", "9"]
    text = " ".join("\n".join(lines).split())
    for finding in (
        "1 labels are empty (3.png)",
        "1 images can't be read: missing file (gone.png)",
        "1 writers are in both train and val (B)",
        "1 equal images are in both train and test (0.png)",
        "1 images repeat another of their split, 1 with another label (sub/copy.png)",
        "1 labels have white space (2.png)",
        "1 labels are very long for their image's width (narrow.png)",
        "3 characters occur fewer than 5 times in train: U+0020 1 d 1 c 4",
        "3 characters of val or test are not in train: x y z",
    ):
        assert finding in text, finding
    # Files in two parts are counted once: 1.png and sub/copy.png.
    assert text.count("images are in both") - text.count("equal images are in both") == 2
    assert max(map(len, lines)) < 200 and len(lines) < 60
    picture = cv2.imread(str(tmp_path / "plots" / "out.png"))
    assert min(picture.shape[:2]) > 400 and (picture < 255).any()


def test_links_that_training_refuses_are_problems(folder, tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "0.png").symlink_to(folder / "words" / "0.png")
    labels = {"train": [{"filename": "0.png", "label": "a"}], "val": [], "test": []}
    (tmp_path / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    entries = scan(read_labels(tmp_path / "labels.json"), tmp_path / "words", ImageConfig())
    assert problems(entries) == {OUTSIDE_FOLDER: 1}
    entries = scan(read_labels(tmp_path / "labels.json"), tmp_path / "words", ImageConfig(), follow_links=True)
    assert problems(entries) == {}


@pytest.mark.parametrize(
    "change, message",
    [
        (["--images", "nowhere"], "nowhere does not exist"),
        (["--labels_file", "nowhere.json"], "nowhere.json does not exist"),
        (["--plot", "/dev/null/out.png"], "Can't write"),
    ],
)
def test_errors(folder, capsys, change, message):
    places = ["--images", str(folder / "words"), "--labels_file", str(folder / "labels.json")]
    assert inspect_dataset.main([*places, *change]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert message in error


def test_labels_that_no_picture_shows_so(folder, tmp_path, capsys):
    texts = ["word", "r\u0430in", "zero\u200bwidth", "\u05d0\u05d1\u05d2 a"]
    words = [{"filename": f"{index}.png", "label": text} for index, text in enumerate(texts)]
    labels = {"train": words, "val": [], "test": []}
    (tmp_path / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    places = ["--images", str(folder / "words"), "--labels_file", str(tmp_path / "labels.json")]
    assert inspect_dataset.main(places) == 0
    text = " ".join(capsys.readouterr().out.split())
    for finding in (
        "1 labels have invisible characters: U+200B zero width space 1 (2.png)",
        "1 labels have letters that look like those of another script: U+0430 cyrillic small letter a 1 (1.png)",
        "1 labels have letters of both directions: U+0061 latin small letter a 1 (3.png)",
    ):
        assert finding in text, finding

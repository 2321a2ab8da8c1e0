"""Lines made of IAM's words at their places on the form."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.labels import Word, read_labels, write_labels
from tools.join_words import main

# Two words of one line, 8 pixels apart, the second 3 pixels lower; a line with a hole; a form without a split.
WORDS = """# comment
a01-000u-00-00 ok 154 100 50 20 10 AT A
a01-000u-00-01 ok 154 1 128 53 30 12 NN MOVE
a01-000u-01-00 ok 154 100 90 20 10 AT to
a01-000u-01-01 ok 154 900 90 20 10 AT stop
b02-000-00-00 ok 154 1 1 20 10 AT no
"""


@pytest.fixture
def iam(tmp_path):
    """words.txt, pictures of ink 40 on paper 200, and labels.json."""
    for number, size in (("00-00", (10, 20)), ("00-01", (12, 30)), ("01-00", (10, 20)), ("01-01", (10, 20))):
        folder = tmp_path / "words" / "a01" / "a01-000u"
        folder.mkdir(parents=True, exist_ok=True)
        picture = np.full(size, 200, np.uint8)
        picture[4, 5] = 40
        Image.fromarray(picture).save(folder / f"a01-000u-{number}.png")
    (tmp_path / "words.txt").write_text(WORDS, encoding="utf-8")
    labels = {"train": [], "val": [Word("a01/a01-000u/a01-000u-00-00.png", "A", "000")], "test": []}
    write_labels(tmp_path / "labels.json", labels)
    return tmp_path


def run(folder):
    names = ("--images", "words"), ("--labels", "labels.json"), ("--output", "lines")
    return main([str(folder / "words.txt"), *(part for name, file in names for part in (name, str(folder / file)))])


def test_words_stand_at_their_places_on_white_paper(iam, capsys):
    assert run(iam) == 0
    splits = read_labels(iam / "lines" / "labels.json").splits
    assert splits == {"train": [], "val": [Word("a01-000u-00.png", "A MOVE", "000")], "test": []}
    line = np.asarray(Image.open(iam / "lines" / "lines" / "a01-000u-00.png"))
    expected = np.full((15, 58), 255)
    expected[4, 5] = expected[7, 33] = 51  # 40 of 200
    np.testing.assert_array_equal(line, expected)
    assert "1 lines are left out: words at odd places" in capsys.readouterr().err


def test_a_line_with_a_missing_word_is_left_out_and_counted(iam, capsys):
    folder = iam / "words" / "a01" / "a01-000u"
    (folder / "a01-000u-00-01.png").rename(folder / "a01-000u-02-00.png")
    (iam / "words.txt").write_text(f"{WORDS}a01-000u-02-00 ok 154 100 130 30 12 NN MOVE\n", encoding="utf-8")
    assert run(iam) == 0
    assert [word.label for word in read_labels(iam / "lines" / "labels.json").splits["val"]] == ["MOVE"]
    assert "1 lines are left out: missing file" in capsys.readouterr().err


def test_pictures_in_any_folder_are_found_by_their_ids(iam):
    for path in (iam / "words" / "a01" / "a01-000u").iterdir():
        path.rename(iam / "words" / path.name)
    assert run(iam) == 0
    assert [word.label for word in read_labels(iam / "lines" / "labels.json").splits["val"]] == ["A MOVE"]


def test_without_any_line_nothing_is_written(iam, capsys):
    (iam / "words" / "a01" / "a01-000u" / "a01-000u-00-00.png").unlink()
    assert run(iam) == 2
    assert "--images" in capsys.readouterr().err and not (iam / "lines" / "labels.json").exists()


def test_another_dataset_is_not_replaced(iam, capsys):
    (iam / "lines").mkdir()
    (iam / "lines" / "labels.json").write_text("{}", encoding="utf-8")
    assert run(iam) == 2
    assert str(iam / "lines" / "labels.json") in capsys.readouterr().err
    assert [path.name for path in (iam / "lines").iterdir()] == ["labels.json"]


def test_words_of_one_form_in_two_splits_are_refused(iam, capsys):
    path = "a01/a01-000u/a01-000u-0{}-00.png"
    labels = {"train": [Word(path.format(0), "A")], "val": [], "test": [Word(path.format(1), "to")]}
    write_labels(iam / "labels.json", labels)
    assert run(iam) == 2
    assert "a01-000u in train and in test" in capsys.readouterr().err and not (iam / "lines").exists()


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_pictures_of_other_modes_are_joined_as_grey_ones(iam, mode):
    for path in (iam / "words").rglob("*.png"):
        Image.open(path).convert(mode).save(path)
    assert run(iam) == 0
    line = np.asarray(Image.open(iam / "lines" / "lines" / "a01-000u-00.png"))
    assert line.dtype == np.uint8 and sorted(np.unique(line)) == [51, 255]


def test_a_word_far_above_or_below_is_of_no_line(iam, capsys):
    """A box that is off by 10^12 rows takes no memory."""
    for row in (120, 10**12):
        text = WORDS.replace("128 53 30 12", f"128 {row} 30 12")
        (iam / "words.txt").write_text(text, encoding="utf-8")
        assert run(iam) == 2
        assert "2 lines are left out: words at odd places" in capsys.readouterr().err


def test_pictures_of_others_are_not_written_over(iam, capsys):
    (iam / "lines" / "lines").mkdir(parents=True)
    (iam / "lines" / "lines" / "a01-000u-00.png").write_bytes(b"mine")
    assert run(iam) == 2
    assert (iam / "lines" / "lines" / "a01-000u-00.png").read_bytes() == b"mine"
    assert str(iam / "lines" / "lines") in capsys.readouterr().err


def test_an_interrupted_run_is_run_again(iam):
    """Its leftovers belong to no dataset."""
    folder = iam / "lines" / ".lines.part"
    folder.mkdir(parents=True)
    (folder / "left.png").write_bytes(b"half")
    assert run(iam) == 0
    assert [path.name for path in (iam / "lines").iterdir() if path.is_dir()] == ["lines"]
    assert [path.name for path in (iam / "lines" / "lines").iterdir()] == ["a01-000u-00.png"]

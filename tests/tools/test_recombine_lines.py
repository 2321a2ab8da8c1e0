"""New lines of the words of two lines, as a command makes them."""

import numpy as np
import pytest
from PIL import Image

from predictors import load
from preprocessing.labels import Word, read_labels, write_labels
from tests.helpers.drawn_pages import written_page
from tests.helpers.tiny import REPOSITORY
from tools.recombine_lines import main

MODEL = REPOSITORY / "snapshots" / "iam"
# Of about the same height; the third has too few words.
LINES = (("imperial", "museum", "other"), ("office", "supported", "museum"), ("other", "look"))


@pytest.fixture
def lines(tmp_path):
    """LINES, as pictures and labels."""
    words = []
    for row, texts in enumerate(LINES):
        name = f"{row}.png"
        Image.fromarray(written_page(LINES)[130 + 220 * row : 270 + 220 * row]).save(tmp_path / name)
        words.append(Word(name, " ".join(texts), "printer"))
    write_labels(tmp_path / "labels.json", {"train": words, "val": [], "test": []})
    return words


def run(folder, *more, lines=4):
    settings = f"images_folder={folder}", f"labels_file={folder / 'labels.json'}", f"predict.weights_file={MODEL}"
    return main(["--set", *settings, *more, "--output", str(folder / "new"), "--lines", str(lines)])


def test_new_lines_begin_as_one_line_and_end_as_the_other(lines, tmp_path):
    assert run(tmp_path) == 0
    made = read_labels(tmp_path / "new" / "labels.json").splits["train"]
    assert 0 < len(made) <= 4 and all(word.writer == "printer" for word in made)
    pictures = [tmp_path / "new" / "lines" / word.filename for word in made]
    assert sorted((tmp_path / "new" / "lines").iterdir()) == pictures
    whole = {first[:i] + second[j:] for first in LINES[:2] for second in LINES[:2] for i in (1, 2) for j in (1, 2)}
    assert {tuple(word.label.split()) for word in made} <= whole - set(LINES)
    texts = [reading.text for reading in load(MODEL).read(pictures)]
    assert sum(text == word.label for text, word in zip(texts, made)) >= len(made) / 2


def test_no_line_is_made_twice_and_none_that_the_dataset_has(lines, tmp_path):
    again = Word("again.png", "office museum other", "printer")  # a text that two of the lines give
    Image.new("L", (90, 40), 255).save(tmp_path / "again.png")
    write_labels(tmp_path / "labels.json", {"train": [*lines, again], "val": [], "test": []})
    assert run(tmp_path, lines=50) == 0
    made = read_labels(tmp_path / "new" / "labels.json").splits["train"]
    pictures = {(tmp_path / "new" / "lines" / word.filename).read_bytes() for word in made}
    assert len(made) == len(pictures) <= 8  # a cut in each of the two lines, in either order
    assert not {word.label for word in made} & {word.label for word in (*lines, again)}


def test_larger_pictures_than_the_config_allows_are_left_out(lines, tmp_path, capsys):
    assert run(tmp_path, "image.max_pixels=10") == 2
    assert "labels.json" in capsys.readouterr().err


def test_the_same_command_makes_the_same_lines(lines, tmp_path):
    contents = []
    for number, seed in enumerate((1, 1, 2)):
        assert run(tmp_path, f"seed={seed}") == 0
        (tmp_path / "new").rename(tmp_path / f"run{number}")
        contents.append([path.read_bytes() for path in sorted((tmp_path / f"run{number}").rglob("*.*"))])
    assert contents[0] == contents[1] != contents[2]


def test_words_alone_make_no_line(tmp_path, capsys):
    picture = np.full((50, 90), 255, np.uint8)
    Image.fromarray(picture).save(tmp_path / "0.png")
    write_labels(tmp_path / "labels.json", {"train": [Word("0.png", "word", None)], "val": [], "test": []})
    assert run(tmp_path) == 2
    assert str(tmp_path / "labels.json") in capsys.readouterr().err
    assert not (tmp_path / "new" / "labels.json").exists()

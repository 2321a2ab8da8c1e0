"""New words of the letters of the example pictures, as a command makes them."""

import csv
from types import SimpleNamespace

import pytest

from predictors import load
from predictors.lexicon.words import read_lexicon
from preprocessing.labels import Word, read_labels, write_labels
from tests.helpers.tiny import REPOSITORY
from tools.recombine_words import main, prepare
from utils.config.load import validate_config

PICTURES = REPOSITORY / "test_images"
MODEL = REPOSITORY / "snapshots" / "iam"


@pytest.fixture
def labels(tmp_path):
    """The example words as training words of one writer, one of them also as a validation word."""
    with (PICTURES / "labels.csv").open(encoding="utf-8", newline="") as file:
        words = [Word(row["filename"], row["label"], "printer") for row in csv.DictReader(file)]
    write_labels(tmp_path / "labels.json", {"train": words, "val": [Word("1264.png", "1264", "other")], "test": []})
    return words


def run(folder, *more, model=MODEL, words=12):
    settings = f"images_folder={PICTURES}", f"labels_file={folder / 'labels.json'}", f"predict.weights_file={model}"
    return main(["--set", *settings, *more, "--output", str(folder / "new"), "--words", str(words)])


def test_new_words_are_of_the_lexicon_and_can_be_read(labels, tmp_path, capsys):
    assert run(tmp_path) == 0
    splits = read_labels(tmp_path / "new" / "labels.json").splits
    made = splits["train"]
    assert 0 < len(made) <= 12 and not splits["val"] and not splits["test"]
    assert f"{len(made)} train" in capsys.readouterr().out
    known, lexicon = {word.label for word in labels}, read_lexicon(None, 12.0).words
    pictures = [tmp_path / "new" / "words" / word.filename for word in made]
    assert sorted(path.name for path in (tmp_path / "new" / "words").iterdir()) == [path.name for path in pictures]
    for word in made:
        assert word.writer == "printer" and word.label not in known and word.label.lower() in lexicon
    texts = [reading.text for reading in load(MODEL).read(pictures)]
    assert sum(text == word.label for text, word in zip(texts, made)) >= len(made) / 2


def test_words_of_a_dataset_of_lines_are_not_made_again(monkeypatch):
    wished = []
    monkeypatch.setattr("tools.recombine_words.new_words", lambda letters, words, rng: wished.extend(words) or iter(()))
    aligner = SimpleNamespace(places=lambda words: iter(()))
    lines = [Word("0.png", "the House is there", None)]
    list(prepare(lines, aligner, validate_config({}, "test"))(lines, 500))
    assert len(wished) > 500 and not {"the", "House", "there"} & set(wished)


def test_fewer_words_than_writers_are_made_of_some_of_them(labels, tmp_path):
    """Three writers of the same words."""
    others = [Word(word.filename, word.label, writer) for writer in ("a", "b", "c") for word in labels]
    write_labels(tmp_path / "labels.json", {"train": others, "val": [], "test": []})
    assert run(tmp_path, "seed=4", words=1) == 0
    assert len(read_labels(tmp_path / "new" / "labels.json").splits["train"]) == 1


def test_the_same_command_makes_the_same_words(labels, tmp_path):
    contents = []
    for seed in (1, 1, 2):
        folder = tmp_path / f"run{len(contents)}"
        folder.mkdir()
        (folder / "labels.json").write_bytes((tmp_path / "labels.json").read_bytes())
        assert run(folder, f"seed={seed}") == 0
        files = sorted((folder / "new").rglob("*.*"))
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1] != contents[2]


def test_another_dataset_is_not_replaced(labels, tmp_path, capsys):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "labels.json").write_text("{}", encoding="utf-8")
    assert run(tmp_path) == 2
    assert str(tmp_path / "new" / "labels.json") in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["labels.json"]


def test_letters_that_the_model_does_not_find_are_counted(tmp_path, capsys):
    """Texts that the pictures don't show, and a picture that is missing."""
    words = [Word("office.png", "Xylophone", None), Word("look.png", "quartz", None), Word("none.png", "word", None)]
    write_labels(tmp_path / "labels.json", {"train": words, "val": [], "test": []})
    assert run(tmp_path) == 2
    error = capsys.readouterr().err
    assert "2 words" in error and "1 words" in error and "missing" in error
    assert not (tmp_path / "new" / "labels.json").exists()

"""Splits that folders and lists are named after."""

import pytest

from tests.helpers.importers import dropped_of, picture, words_of

FOLDERS = {"train": "train", "val": "validation", "test": "test"}


def gt_txt(folder, names):
    for name in names:
        (folder / name).with_suffix(".gt.txt").write_text("text")


def metadata(folder, names):
    (folder / "metadata.csv").write_text("file_name,text\n" + "".join(f"{name},text\n" for name in names))


def metadata_of_each(folder, names):
    for name in names:
        path = (folder / name).parent
        (path / "metadata.csv").write_text(f"file_name,text\n{name.rpartition('/')[2]},text\n")


@pytest.mark.parametrize(
    ("write", "place"),
    [
        *((write, place) for write in (gt_txt, metadata) for place in ("{}/0.png", "data/{}/0.png", "data/{}/a/0.png")),
        *((metadata_of_each, place) for place in ("{}/0.png", "data/{}/0.png")),
    ],
)
def test_folders_of_splits_are_kept(tmp_path, run, write, place):
    names = {split: place.format(folder) for split, folder in FOLDERS.items()}
    for name in names.values():
        picture(tmp_path / "source" / name)
    write(tmp_path / "source", names.values())
    command = ["--source", tmp_path / "source", "--output", tmp_path / "l.json"]
    code, _, error = run(*command)
    assert code == 0, error
    for split, name in names.items():
        assert words_of(tmp_path / "l.json", split) == {name: ("text", None)}
    assert run(*command, "--split", "random", "--test_size", 0, "--val_size", 0)[0] == 0
    assert len(words_of(tmp_path / "l.json", "train")) == 3


@pytest.mark.parametrize("names", [["train/0.png", "train/1.png"], ["train/0.png", "test/0.png", "other/0.png"]])
def test_other_folders_are_no_splits(tmp_path, run, names):
    for name in names:
        picture(tmp_path / "source" / name)
    gt_txt(tmp_path / "source", names)
    sizes = ["--test_size", 0, "--val_size", 0]
    code, _, error = run("--source", tmp_path / "source", "--output", tmp_path / "l.json", *sizes)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train").keys() == set(names)


def test_paddleocrs_list_for_evaluation_is_validation(tmp_path, run):
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "rec" / "images" / name)
    for name, list_of in {"a": "train", "b": "eval", "c": "extra"}.items():
        (tmp_path / "rec" / f"rec_gt_{list_of}.txt").write_text(f"images/{name}.png\ttext\n")
    code, _, error = run("--source", tmp_path / "rec", "--output", tmp_path / "l.json")
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train").keys() == {"images/a.png"}
    assert words_of(tmp_path / "l.json", "val").keys() == {"images/b.png"}
    assert "rec_gt_extra.txt" in error and "rec_gt_eval.txt" not in error
    assert dropped_of(tmp_path / "l.dropped.tsv") == {}

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
        place, _, file = name.rpartition("/")
        with (folder / place / "metadata.csv").open("a") as table:
            table.write(f"{'' if table.tell() else 'file_name,text' + chr(10)}{file},text\n")


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


@pytest.mark.parametrize("write", [gt_txt, metadata, metadata_of_each])
def test_without_a_folder_of_val_train_gives_some(tmp_path, run, write):
    names = [*(f"train/{number}.png" for number in range(10)), "test/0.png"]
    for name in names:
        picture(tmp_path / "source" / name)
    write(tmp_path / "source", names)
    command = ["--source", tmp_path / "source", "--output", tmp_path / "l.json"]
    for size, words in {0.3: 3, 0: 0}.items():
        code, _, error = run(*command, "--val_size", size)
        assert code == 0, error
        val, train = (words_of(tmp_path / "l.json", split).keys() for split in ("val", "train"))
        assert len(val) == words and train | val == set(names[:-1])
        assert words_of(tmp_path / "l.json", "test").keys() == {"test/0.png"}
        assert "--val_size" in error


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


@pytest.mark.parametrize("place", ["", "data/"])
def test_lists_beside_the_one_of_all_words_are_told(tmp_path, run, place):
    for name, content in {
        "a.png": None,
        "rec_gt.txt": b"a.png\ttext\n",
        "rec_gt_train.txt": b"",
        "rec_gt_x.txt": b"",
    }.items():
        picture(tmp_path / "rec" / place / name, content)
    code, _, error = run(
        "--source", tmp_path / "rec", "--output", tmp_path / "l.json", "--test_size", 0, "--val_size", 0
    )
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train").keys() == {f"{place}a.png"}
    assert f"{place}rec_gt.txt is read: {place}rec_gt_train.txt, {place}rec_gt_x.txt." in error
    assert "no split" not in error


def test_folders_of_splits_may_have_capitals_and_other_names(tmp_path, run):
    for name in ("Train/0.png", "Validation/0.png", "evaluation/0.png", "extra/0.png"):
        picture(tmp_path / "source" / name)
        metadata_of_each(tmp_path / "source", [name])
    code, _, error = run("--source", tmp_path / "source", "--output", tmp_path / "l.json")
    assert code == 0, error
    for split, name in {"train": "Train/0.png", "val": "Validation/0.png", "test": "evaluation/0.png"}.items():
        assert words_of(tmp_path / "l.json", split) == {name: ("text", None)}
    assert "extra/metadata.csv" in error and "Train" not in error


def test_tables_below_the_one_of_all_words_are_named(tmp_path, run):
    picture(tmp_path / ".hidden" / "0.png")
    for name in ("0.png", "train/0.png", ".git/0.png"):
        picture(tmp_path / ".hidden" / name)
        metadata_of_each(tmp_path / ".hidden", [name])
    sizes = ["--test_size", 0, "--val_size", 0]
    code, _, error = run("--source", tmp_path / ".hidden", "--output", tmp_path / "l.json", *sizes)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train").keys() == {"0.png"}
    assert "train/metadata.csv" in error and ".git" not in error


@pytest.mark.parametrize("size", ["--test_size", "--val_size"])
def test_sizes_are_refused_where_splits_are_given(tmp_path, run, size):
    names = ["train/0.png", "val/0.png", "test/0.png"]
    for name in names:
        picture(tmp_path / "source" / name)
    gt_txt(tmp_path / "source", names)
    command = ["--source", tmp_path / "source", "--output", tmp_path / "l.json", size, 0.5]
    code, _, error = run(*command)
    assert code == 2 and size in error and not (tmp_path / "l.json").exists()
    assert run(*command, "--split", "random")[0] == 0

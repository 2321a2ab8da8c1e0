"""Folders of labelled words and lines as other tools write them."""

import json
import os

import lmdb
import pytest

from preprocessing.importers import lmdb_store
from preprocessing.importers.gt_txt import read_pairs
from tests.helpers.importers import ALL_TRAIN, dropped_of, encoded, picture, words_of
from utils.errors import UserError


def test_pictures_with_their_text_beside(tmp_path, run):
    for name in ("1.png", "2.bin.png", "2.nrm.png", "sub/3.JPG", "4.tif.png"):
        picture(tmp_path / "gt" / name)
    texts = {"1": "one line", "2": "two", "sub/3": '"three"\n', "4.tif.png": "four", "5": "no picture"}
    for name, text in texts.items():
        (tmp_path / "gt" / f"{name}.gt.txt").write_text(text, encoding="utf-8")
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    expected = {"1.png": "one line", "2.nrm.png": "two", "sub/3.JPG": '"three"', "4.tif.png": "four"}
    assert words_of(tmp_path / "labels.json", "train") == {name: (text, None) for name, text in expected.items()}
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {"5.gt.txt": ("no picture", "missing image")}


def test_texts_of_other_systems_and_of_several_lines(tmp_path, run):
    for name in ("a.png", "b.png"):
        picture(tmp_path / "gt" / name)
    (tmp_path / "gt" / "a.GT.TXT").write_text("one\n")
    (tmp_path / "gt" / "b.gt.txt").write_text("two\nlines\n")
    for hidden in ("__MACOSX/._a.gt.txt", "._a.gt.txt", ".snapshot/c.gt.txt"):
        (tmp_path / "gt" / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / "gt" / hidden).write_bytes(b"\x00\xff")
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {"a.png": ("one", None)}
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {"b.png": ("two\\nlines", "several lines")}


def test_each_folder_of_texts_is_listed_once(tmp_path, monkeypatch):
    for number in range(20):
        picture(tmp_path / "a" / f"{number}.png")
        (tmp_path / "a" / f"{number}.gt.txt").write_text("x")
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path=".": listed.append(path) or scandir(path))
    records, dropped = read_pairs(tmp_path)
    assert len(records) == 20 and not dropped and len(listed) == 2


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_hugging_face_folder(tmp_path, run, name):
    picture(tmp_path / "hf" / "train" / "0.png")
    lines = {
        "metadata.csv": "file_name,text\ntrain/0.png,hello\n",
        "metadata.jsonl": '{"file_name": "train/0.png", "text": "hello"}\n',
    }
    (tmp_path / "hf" / name).write_text(lines[name])
    code, _, error = run("--source", tmp_path / "hf", "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {"train/0.png": ("hello", None)}


def test_a_split_on_some_lines_only_is_refused(tmp_path, refused):
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.png")
    entries = [
        {"filename": "a.png", "label": "a", "split": "train"},
        {"filename": "b.png", "label": "b", "split": None},
    ]
    for order in (entries, entries[::-1]):
        (tmp_path / "words.json").write_text(json.dumps(order))
        options = ["--table", tmp_path / "words.json", "--images", tmp_path / "images", "--output", tmp_path / "l.json"]
        assert "1 of 2 words have no split" in refused(*options)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"filename": "a.png", "label": "right", "text": "read"}, "more than one key for label"),
        ({"filename": "a.png", "text": "read", "lines": []}, "--page"),
    ],
)
def test_predictions_are_no_labels(tmp_path, refused, entry, message):
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "words.json").write_text(json.dumps([entry]))
    options = ["--table", tmp_path / "words.json", "--images", tmp_path / "images", "--output", tmp_path / "l.json"]
    assert message in refused(*options)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "does not exist"),
        ({"readme.md": "x"}, "holds no words.txt"),
        ({"a.gt.txt": "x"}, "No usable word: 1 missing image: there is none for a.gt.txt"),
        ({"a.xml": "<x/>"}, "a.xml is neither PAGE nor ALTO"),
        ({"words.txt": "nothing"}, "words is not a folder"),
        ({"metadata.csv": "a"}, "metadata.csv"),
        ({"metadata.jsonl": "{"}, "not valid JSON"),
    ],
)
def test_bad_sources_are_one_sentence(tmp_path, refused, files, message):
    for name, content in files.items():
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / name).write_text(content)
    images = ["--images", tmp_path / "lines"] if "a.xml" in files else []
    assert message in refused("--source", tmp_path / "source", *images, "--output", tmp_path / "labels.json")
    assert not (tmp_path / "labels.json").exists()


TEXTS = {"train": '"one"', "val": "two, three", "test": "four"}
SPLIT_TABLES = {
    "metadata.csv": 'file_name,text\n{name},"{text}"\n',
    "metadata.jsonl": '{{"file_name": "{name}", "text": "{text}"}}\n',
    "labels.csv": "filename,words\n{name},{text}\n",
    "gt.txt": "{name}\t{text}\n",
}


@pytest.mark.parametrize("table", SPLIT_TABLES)
def test_a_table_in_a_folder_for_each_split(tmp_path, run, table):
    quoted = {"metadata.csv": '""one""', "metadata.jsonl": '\\"one\\"'}.get(table, '"one"')
    for split, text in {**TEXTS, "train": quoted}.items():
        folder = tmp_path / "data" / {"val": "validation"}.get(split, split)
        picture(folder / "sub" / "1.png")
        (folder / table).write_text(SPLIT_TABLES[table].format(name="sub/1.png", text=text), encoding="utf-8")
    code, _, error = run("--source", tmp_path / "data", "--output", tmp_path / "labels.json")
    assert code == 0, error
    for split, text in TEXTS.items():
        folder = {"val": "validation"}.get(split, split)
        assert words_of(tmp_path / "labels.json", split) == {f"{folder}/sub/1.png": (text, None)}


def test_the_lists_of_paddleocr(tmp_path, run):
    for name in ("train/1.png", "train/2, left.png", "val/3.png", "val/4.png"):
        picture(tmp_path / "rec" / name)
    (tmp_path / "rec" / "rec_gt_train.txt").write_text('train/2, left.png\t"a"\ntrain/1.png\tsay, "x"\n')
    (tmp_path / "rec" / "rec_gt_val.txt").write_text('["val/3.png", "val/4.png"]\tboth\n')
    code, _, error = run("--source", tmp_path / "rec", "--output", tmp_path / "labels.json")
    assert code == 0, error
    train = {"train/1.png": ('say, "x"', None), "train/2, left.png": ('"a"', None)}
    assert words_of(tmp_path / "labels.json", "train") == train
    assert words_of(tmp_path / "labels.json", "val") == dict.fromkeys(("val/3.png", "val/4.png"), ("both", None))


def make_lmdb(folder, values):
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    (folder / "lock.mdb").unlink()


@pytest.mark.parametrize("named", ["folder", "file"])
def test_an_lmdb_is_unpacked(tmp_path, run, named):
    jpeg, source = encoded(".jpg"), tmp_path / "lmdb"
    values = {"num-samples": b"4", "image-000000001": encoded(), "label-000000001": "caf\u0065\u0301".encode()}
    values |= {"image-000000002": jpeg, "label-000000002": b'"two"', "label-000000003": b"lost"}
    values |= {"image-000000004": b"no picture", "label-000000004": b"four"}
    make_lmdb(source, values)
    path = source if named == "folder" else source / "data.mdb"
    images = ["--images", tmp_path / "out"]
    code, _, error = run("--source", path, *images, "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    expected = {"000000001.png": ("caf\u00e9", None), "000000002.jpg": ('"two"', None)}
    assert words_of(tmp_path / "labels.json", "train") == expected
    assert (tmp_path / "out" / "000000002.jpg").read_bytes() == jpeg
    assert [path.name for path in source.iterdir()] == ["data.mdb"]
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {
        "image-000000003": ("lost", "missing image"),
        "000000004.png": ("four", "unreadable image: not an image"),
    }


def test_without_the_package_lmdb_there_is_a_sentence(tmp_path, refused, monkeypatch):
    make_lmdb(tmp_path / "lmdb", {"num-samples": b"0"})
    monkeypatch.setattr(lmdb_store, "lmdb", None)
    command = ["--source", tmp_path / "lmdb", "--images", tmp_path / "out", "--output", tmp_path / "labels.json"]
    assert "pip install lmdb" in refused(*command)


def test_links_out_of_the_folder_are_taken_when_asked(tmp_path, run, refused):
    picture(tmp_path / "store" / "ab12")
    (tmp_path / "images").mkdir()
    for name, target in {"a.png": "../store/ab12", "b.png": "../store/gone"}.items():
        (tmp_path / "images" / name).symlink_to(target)
    (tmp_path / "t.csv").write_text("filename,label\na.png,ink\nb.png,nib\n")
    command = ["--table", tmp_path / "t.csv", "--images", tmp_path / "images", "--output", tmp_path / "labels.json"]
    assert "--follow_links" in refused(*command)
    code, _, error = run(*command, "--follow_links", *ALL_TRAIN)
    assert code == 0, error
    assert "follow_links=true" in error and "a link to ../store/gone" in error
    assert words_of(tmp_path / "labels.json", "train") == {"a.png": ("ink", None)}
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {"b.png": ("nib", "missing image")}


def test_a_folder_of_images_that_is_not_used_is_refused(tmp_path, refused):
    (tmp_path / "a.gt.txt").write_text("x")
    command = ["--source", tmp_path, "--images", tmp_path, "--output", tmp_path / "labels.json"]
    assert "--images is not used" in refused(*command)


def test_file_names_that_no_labels_file_may_hold(tmp_path, run):
    for name in (b"a.png", b"caf\xe9.png", b"c:2.png"):
        path = tmp_path / "gt" / os.fsdecode(name)
        picture(path)
        path.with_suffix(".gt.txt").write_text("text")
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {"a.png": ("text", None)}
    assert {reason for _, reason in dropped_of(tmp_path / "labels.dropped.tsv").values()} == {"unusable filename"}


def test_linked_folders_are_recognised(tmp_path, run):
    picture(tmp_path / "store" / "a.png")
    (tmp_path / "store" / "a.gt.txt").write_text("text")
    (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "linked").symlink_to(tmp_path / "store")
    command = ["--source", tmp_path / "gt", "--output", tmp_path / "labels.json", *ALL_TRAIN]
    code, _, error = run(*command)
    assert code == 2 and str(tmp_path / "gt" / "linked") in error
    code, _, error = run(*command, "--follow_links")
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {"linked/a.png": ("text", None)}


def test_linked_folders_that_are_not_searched_are_named(tmp_path, run):
    for folder in ("gt", "store"):
        picture(tmp_path / folder / "a.png")
        (tmp_path / folder / "a.gt.txt").write_text("text")
    (tmp_path / "gt" / "linked").symlink_to(tmp_path / "store")
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0 and list(words_of(tmp_path / "labels.json", "train")) == ["a.png"]
    assert error.count(str(tmp_path / "gt" / "linked")) == 1


def test_a_folder_that_can_not_be_listed_is_named(tmp_path, monkeypatch):
    picture(tmp_path / "gt" / "a.png")
    (tmp_path / "gt" / "a.gt.txt").write_text("text")
    (tmp_path / "gt" / "locked").mkdir()
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    with pytest.raises(UserError, match="locked"):
        read_pairs(tmp_path / "gt")


@pytest.mark.parametrize(
    "options",
    [["--include_err"], ["--forms_file", "forms.txt"], ["--split", "forms", "--train_forms", "a", "--val_forms", "b"]],
)
def test_options_of_iam_are_refused_elsewhere(tmp_path, run, options):
    picture(tmp_path / "gt" / "a.png")
    (tmp_path / "gt" / "a.gt.txt").write_text("text")
    for name in "ab":
        (tmp_path / name).write_text("c01-000")
    options = [tmp_path / option if option in ("a", "b") else option for option in options]
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "labels.json", *options)
    assert code == 2 and options[0] in error and not (tmp_path / "labels.json").exists()

"""labels.json: what is read, what is remarked on and what is refused."""

import json

import pytest

from preprocessing.labels import LabelsFile, Word, read_labels, write_labels
from utils.errors import UserError


def put(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def entry(filename="a.png", label="a", **more):
    return {"filename": filename, "label": label, **more}


def test_read_by_hand(tmp_path):
    path = put(
        tmp_path / "labels.json",
        {"train": [entry("a/b.png", "cafe\u0301", writer="w1"), entry("[.png", "[", quality=3)], "val": [], "test": []},
    )
    assert read_labels(path) == LabelsFile(
        {"train": [Word("a/b.png", "caf\u00e9", "w1"), Word("[.png", "[", None)], "val": [], "test": []}, []
    )


def test_a_repeated_key_is_refused(tmp_path):
    """Of two values one would be lost in silence."""
    path = tmp_path / "labels.json"
    path.write_text('{"train": [{"filename": "a.png", "label": "a", "label": "b"}], "val": [], "test": []}')
    with pytest.raises(UserError, match="has the key 'label' twice"):
        read_labels(path)


def test_leaks_between_splits_are_told(tmp_path):
    splits = {
        "train": [entry("a.png"), entry("b.png"), entry("c.png")],
        "val": [entry("./a.png"), entry("d.png")],
        "test": [entry("b.png"), entry("c.png")],
    }
    read = read_labels(put(tmp_path / "labels.json", splits))
    assert [len(words) for words in read.splits.values()] == [3, 2, 2]
    assert len(read.notes) == 2
    assert "1 images are in both train and val (such as a.png)" in read.notes[0]
    assert "2 images are in both train and test (such as b.png)" in read.notes[1]


def test_unknown_splits_are_told(tmp_path):
    read = read_labels(put(tmp_path / "labels.json", {"train": [], "val": [], "test": [], "dev": []}))
    assert len(read.notes) == 1 and "'dev'" in read.notes[0]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_missing_split_is_named(tmp_path, split):
    splits = {name: [] for name in ("train", "val", "test") if name != split}
    with pytest.raises(UserError, match=f"has no '{split}' split"):
        read_labels(put(tmp_path / "labels.json", splits))


@pytest.mark.parametrize(
    "filename",
    ["/etc/passwd", "../a.png", "a/../../b.png", "C:\\a.png", "C:a.png", "\\\\host\\a", "\\a", "..\\a.png", "", "a\0b"],
)
def test_files_outside_the_images_folder_are_refused(tmp_path, filename):
    path = put(tmp_path / "labels.json", {"train": [entry("ok.png")], "val": [entry(filename)], "test": []})
    with pytest.raises(UserError, match=r"labels.json: val\[0\]: filename"):
        read_labels(path)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({}, "train must be a list of words, not an object"),
        ([["a.png", "a"]], r"train\[0\] must be an object with filename and label, not a list"),
        ([entry(), {"filename": "b.png"}], r"train\[1\] has no 'label'"),
        ([{"label": "b"}], r"train\[0\] has no 'filename'"),
        ([entry(label=12)], r"train\[0\]: label must be a string, not a number"),
        ([entry(label=None)], r"train\[0\]: label must be a string, not null"),
        ([entry(filename=True)], r"train\[0\]: filename must be a string, not true or false"),
        ([entry(writer=7)], r"train\[0\]: writer must be a string, not a number"),
        ([entry(label="\ud800")], r"train\[0\]: label .* half a character"),
    ],
)
def test_wrong_structure_is_named(tmp_path, train, message):
    with pytest.raises(UserError, match=message):
        read_labels(put(tmp_path / "labels.json", {"train": train, "val": [], "test": []}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff\xfe\xfa", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"9" * 5_000, "not valid JSON"),
        (b"[]", "must hold an object with train, val and test, not a list"),
        (b"null", "not null"),
    ],
)
def test_malformed_files_are_one_sentence(tmp_path, content, message):
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_written_is_read_back(tmp_path):
    splits = {"train": [Word("a.png", '"', "w"), Word("b/c.png", "\u00fc [x]")], "val": [Word("d.png", "\\")]}
    path = tmp_path / "new" / "labels.json"
    write_labels(path, splits)
    assert read_labels(path) == LabelsFile({**splits, "test": []}, [])
    assert json.loads(path.read_text(encoding="utf-8"))["train"] == [
        {"filename": "a.png", "label": '"', "writer": "w"},
        {"filename": "b/c.png", "label": "\u00fc [x]"},
    ]
    assert [file.name for file in path.parent.iterdir()] == ["labels.json"]


def test_a_missing_validation_split_needs_words(tmp_path):
    (tmp_path / "labels.json").write_text('{"train": []}')
    with pytest.raises(UserError, match=r"no 'val' split; .* training needs it"):
        read_labels(tmp_path / "labels.json")
    with pytest.raises(UserError, match=r"is a folder; name the \.json file"):
        read_labels(tmp_path)


def test_lines_without_text_that_serve_keeps_are_no_unknown_split(tmp_path):
    read = read_labels(put(tmp_path / "labels.json", {"train": [], "val": [], "test": [], "blank": [entry()]}))
    assert read == LabelsFile({"train": [], "val": [], "test": []}, [])

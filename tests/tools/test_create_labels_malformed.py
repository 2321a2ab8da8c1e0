"""Malformed sources of labels: one sentence, exit code 2, and nothing written over."""

import json
import os

import lmdb
import pytest

from tests.helpers.importers import encoded
from tests.helpers.refusals import assert_refused
from tools.create_labels import main

PAGE = '<PcGts><Page imageFilename="a.png" imageWidth="30" imageHeight="12">{}</Page></PcGts>'
# {file: content} of a folder that also has the picture a.png, and words of the sentence.
FOLDERS = {
    "no table": ({"readme.md": "x"}, "holds no words.txt"),
    "metadata without header": ({"metadata.csv": "a.png\n"}, "metadata.csv:1"),
    "header only": ({"metadata.csv": "file_name,text\n"}, "No usable word"),
    "jsonl cut off": ({"metadata.jsonl": '{"file_name": "a.png", "te'}, "not valid JSON"),
    "jsonl of numbers": ({"metadata.jsonl": "1\n2\n"}, "list of objects"),
    "json nested too deeply": ({"metadata.jsonl": "[" * 100_000}, "not valid JSON"),
    "json without label": ({"metadata.jsonl": '{"file_name": "a.png"}'}, "has no label that is text"),
    "half a character": ({"metadata.jsonl": '{"file_name": "a.png", "text": "\\ud800"}'}, "lone surrogate"),
    "name of a device": ({"gt.txt": "/dev/zero\tx\n"}, "leaves the images folder"),
    "name with NUL": ({"gt.txt": "a\0.png\tx\n"}, "can't be a file"),
    "not UTF-8": ({"gt.txt": b"a.png\tcaf\xe9\n"}, "not UTF-8"),
    "UTF-16": ({"gt.txt": "a.png\tx\n".encode("utf-16")}, "not UTF-8"),
    "empty file": ({"gt.txt": ""}, "no lines"),
    "blank lines": ({"gt.txt": "\n \n"}, "no lines"),
    "a label too many": ({"gt.txt": "a.png\tx\ty\tz\n"}, "columns"),
    "separated by spaces": ({"gt.txt": "a.png x\n"}, "columns"),
    "list of a broken list": ({"gt.txt": '["a.png", \tx\n'}, "No usable word"),
    "words.txt of prose": ({"words.txt": "Some words.\n", "words/x": ""}, "format of IAM's words.txt"),
    "lines.txt of prose": ({"lines.txt": "Some lines.\n", "lines/x": ""}, "format of IAM's lines.txt"),
    "no folder of lines": ({"lines.txt": "a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE\n"}, "is not a folder"),
    "gt.txt of no UTF-8": ({"a.gt.txt": b"\xff\xfe\xff"}, "not UTF-8"),
    "gt.txt without pictures": ({"b.gt.txt": "x"}, "1 missing image"),
    "XML of another kind": ({"a.xml": "<html/>"}, "neither PAGE nor ALTO"),
    "XML cut off": ({"a.xml": "<PcGts><Page"}, "not well-formed"),
    "XML bomb": ({"a.xml": '<!DOCTYPE a [<!ENTITY b "x">]><PcGts>&b;</PcGts>'}, "entities"),
    "odd points": (
        {"a.xml": PAGE.format('<TextRegion><TextLine><Coords points="1,2 3"/></TextLine></TextRegion>')},
        "a.xml",
    ),
    "more pixels than a number holds": ({"a.xml": PAGE.format("").replace("30", "9" * 400)}, "No usable word"),
    "words within words": (
        {"a.xml": PAGE.format(f"<TextRegion><TextLine>{'<Word>' * 5000}{'</Word>' * 5000}</TextLine></TextRegion>")},
        "No usable word",
    ),
    "page without lines": ({"a.xml": PAGE.format("")}, "No usable word"),
    "empty LMDB": ({"data.mdb": b""}, "data.mdb"),
    "no LMDB": ({"data.mdb": b"x" * 10_000}, "data.mdb"),
}
TABLES = {
    "unclosed quote": ('filename,label\na.png,"x\n', "is malformed"),
    "two names": ("filename,path,label\na.png,b.png,x\n", "more than one column"),
    "unknown split": ("filename,label,split\na.png,x,half\n", "write train, val or test"),
    "unquoted comma": ("a.png,x\na.png,x, y\n", "quote a label"),
    "out of the folder": ("../a.png,x\n", "leaves the images folder"),
    "a drive": ("C:\\a.png,x\n", "leaves the images folder"),
}


def labels_of_before(folder):
    """A labels file and its listing of an earlier run, which must stay."""
    (folder / "labels.json").write_text(json.dumps({"train": [], "val": [], "test": []}))
    (folder / "lines").mkdir()
    return ["--output", folder / "labels.json"]


@pytest.mark.parametrize("name", FOLDERS)
def test_folders(tmp_path, capfd, name):
    files, words = FOLDERS[name]
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.png").write_bytes(encoded())
    for path, content in files.items():
        (source / path).parent.mkdir(exist_ok=True)
        (source / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    images = ["--images", tmp_path / "lines"] if {"data.mdb", "a.xml"} & files.keys() else []
    refused(capfd, tmp_path, ["--source", source, *images, *labels_of_before(tmp_path)], words)


@pytest.mark.parametrize("name", TABLES)
def test_tables(tmp_path, capfd, name):
    content, words = TABLES[name]
    (tmp_path / "a.png").write_bytes(encoded())
    (tmp_path / "t.csv").write_text(content)
    table = ["--table", tmp_path / "t.csv", "--images", tmp_path]
    refused(capfd, tmp_path, [*table, *labels_of_before(tmp_path)], words)


@pytest.mark.parametrize("kind", ["folder", "pipe", "circle"])
def test_what_is_no_file(tmp_path, capfd, kind):
    path = tmp_path / "t.csv"
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "circle": lambda: path.symlink_to(path)}[kind]()
    output = labels_of_before(tmp_path)
    for option in ("--table", "--source"):
        refused(capfd, tmp_path, [option, path, "--images", tmp_path, *output], "t.csv")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "no num-samples"),
        ({"num-samples": b"many"}, "no num-samples"),
        ({"num-samples": b"9" * 20}, "no num-samples"),
        ({"num-samples": b"2"}, "No usable word: 2 missing image"),
    ],
)
def test_an_lmdb_of_something_else(tmp_path, capfd, values, words):
    with lmdb.open(str(tmp_path / "lmdb"), map_size=2**20) as environment, environment.begin(write=True) as put:
        for key, value in values.items():
            put.put(key.encode(), value)
    arguments = ["--source", tmp_path / "lmdb", "--images", tmp_path / "lines", *labels_of_before(tmp_path)]
    refused(capfd, tmp_path, arguments, words)


def test_a_truncated_lmdb(tmp_path, capfd):
    with lmdb.open(str(tmp_path / "lmdb"), map_size=2**20) as environment, environment.begin(write=True) as put:
        put.put(b"num-samples", b"1")
        put.put(b"image-000000001", bytes(50_000))
    data = tmp_path / "lmdb" / "data.mdb"
    data.write_bytes(data.read_bytes()[:-20_000])
    arguments = ["--source", tmp_path / "lmdb", "--images", tmp_path / "lines", *labels_of_before(tmp_path)]
    refused(capfd, tmp_path, arguments, "truncated")


def refused(capfd, folder, arguments, words):
    """Refused in one sentence; of all files only the listing of dropped words may be new."""
    assert_refused(capfd, folder, arguments, words, main, folder / "labels.dropped.tsv")

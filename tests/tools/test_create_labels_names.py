"""Names and texts of other systems: Unicode forms, percent-encoding, Donut's JSON, and what may not be replaced."""

import json
import unicodedata

import lmdb
import pytest
from PIL import Image

from tests.helpers.importers import ALL_TRAIN, dropped_of, encoded, picture, words_of

NAME = "M\u00fcller 1"


@pytest.mark.parametrize(
    ("image", "text"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFC", "NFC")], ids=["image NFD", "text NFD", "same"]
)
def test_a_text_and_its_picture_may_differ_in_unicode_form(tmp_path, run, image, text):
    image, text = (unicodedata.normalize(form, NAME) for form in (image, text))
    picture(tmp_path / "gt" / f"{image}.png")
    (tmp_path / "gt" / f"{text}.gt.txt").write_text("one")
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "l.json", *ALL_TRAIN)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train") == {f"{image}.png": ("one", None)}


def test_a_text_with_an_encoded_name_and_two_of_one_name(tmp_path, run):
    both = [unicodedata.normalize(form, NAME) for form in ("NFC", "NFD")]
    for name in [*both, "Seite 1"]:
        picture(tmp_path / "gt" / f"{name}.png")
    for name in [*both, "Seite%201"]:
        (tmp_path / "gt" / f"{name}.gt.txt").write_text(f"{len(name)}")
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "l.json", *ALL_TRAIN)
    assert code == 0, error
    expected = {f"{both[0]}.png": ("8", None), f"{both[1]}.png": ("9", None), "Seite 1.png": ("9", None)}
    assert words_of(tmp_path / "l.json", "train") == expected


@pytest.mark.parametrize(
    ("disk", "given"),
    [
        (unicodedata.normalize("NFD", NAME), NAME),
        (NAME, unicodedata.normalize("NFD", NAME)),
        (NAME, "M%C3%BCller%201"),
        (unicodedata.normalize("NFD", NAME), "M%C3%BCller%201"),
        ("100%25", "100%25"),
    ],
)
def test_the_picture_of_a_page_may_have_another_spelling(tmp_path, pages, cut, disk, given):
    folder, _ = pages
    (folder / "0001.jpg").rename(folder / f"{disk}.jpg")
    text = (folder / "page" / "0001.xml").read_text()
    (folder / "page" / "0001.xml").unlink()
    (folder / "page" / "any.xml").write_text(text.replace("0001.jpg", f"{given}.jpg"), encoding="utf-8")
    cut(folder)
    assert list(words_of(tmp_path / "l.json", "train")) == ["page/any/001.png"]


def test_an_encoded_name_leads_nowhere_else(tmp_path, pages, run):
    folder, _ = pages
    (folder / "0001.jpg").rename(tmp_path / "0001.png")
    text = (folder / "page" / "0001.xml").read_text()
    for number, name in enumerate(["%2e%2e/%2e%2e/0001.png", f"%2F{str(tmp_path)[1:]}/0001.png"]):
        (folder / "page" / f"x{number}.xml").write_text(text.replace("0001.jpg", name))
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN]
    assert run(*command)[0] == 2
    reasons = {name: reason for name, (_, reason) in dropped_of(tmp_path / "l.dropped.tsv").items()}
    assert reasons["page/x0"] == reasons["page/x1"] == "missing image"


@pytest.mark.parametrize("creator", ["seq2seq-ocr", "seq2seq-ocr, corrected", "another program"])
def test_pages_of_pictures_that_differ_in_their_endings_alone(tmp_path, pages, run, creator):
    """As `--page --output x.xml` names the pages of scan.jpg, scan.tif (two pages) and a/scan.tif."""
    folder, _ = pages
    first = Image.open(folder / "0001.jpg")
    (tmp_path / "scans").mkdir()
    first.save(tmp_path / "scans" / "scan.tif", save_all=True, append_images=[Image.new("L", first.size, 255)])
    first.save(tmp_path / "scans" / "scan.jpg")
    text = (folder / "page" / "0001.xml").read_text()
    text = text.replace("<PcGts>", f"<PcGts><Metadata><Creator>{creator}</Creator></Metadata>")
    (tmp_path / "xml").mkdir()
    for name, image in {"scan": "scan.jpg", "scan_2": "scan.tif", "scan-2_2": "scan.tif"}.items():
        (tmp_path / "xml" / f"{name}.xml").write_text(text.replace("0001.jpg", image))
    command = ["--source", tmp_path / "xml", "--pictures", tmp_path / "scans", "--images", tmp_path / "lines"]
    code, _, error = run(*command, "--output", tmp_path / "l.json", *ALL_TRAIN)
    assert code == 0, error
    found = set(words_of(tmp_path / "l.json", "train"))
    if creator == "another program":
        assert found == {"scan/001.png"}
        return
    assert found == {"scan/001.png", "scan_2/001.png", "scan-2_2/001.png"}
    darkest = {name: Image.open(tmp_path / "lines" / name).convert("L").getextrema()[0] for name in found}
    assert darkest["scan_2/001.png"] < 100 and darkest["scan-2_2/001.png"] > 200


def test_an_lmdb_with_a_label_of_another_encoding(tmp_path, run):
    values = {"num-samples": b"2", "image-000000001": encoded(), "label-000000001": "Gr\u00fc\u00dfe".encode()}
    values |= {"image-000000002": encoded(), "label-000000002": "Gr\u00fc\u00dfe".encode("latin-1")}
    with lmdb.open(str(tmp_path / "lmdb"), map_size=2**20) as environment, environment.begin(write=True) as put:
        for key, value in values.items():
            put.put(key.encode(), value)
    command = ["--source", tmp_path / "lmdb", "--images", tmp_path / "out", "--output", tmp_path / "l.json"]
    code, _, error = run(*command, *ALL_TRAIN)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train") == {"000000001.png": ("Gr\u00fc\u00dfe", None)}
    (reason,) = [reason for _, reason in dropped_of(tmp_path / "l.dropped.tsv").values()]
    assert "UTF-8" in reason


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_the_labels_of_donut(tmp_path, run, refused, name):
    picture(tmp_path / "hf" / "0.png")
    command = ["--source", tmp_path / "hf", "--output", tmp_path / "l.json", *ALL_TRAIN]

    def write(value):
        text = json.dumps(value)
        quoted = '"' + text.replace('"', '""') + '"'
        line = json.dumps({"file_name": "0.png", "ground_truth": text})
        content = f"file_name,ground_truth\n0.png,{quoted}\n" if name.endswith("csv") else line
        (tmp_path / "hf" / name).write_text(content)

    for value in ({"gt_parse": {"total": "5"}}, {"gt_parses": [{"text_sequence": "a"}]}, {"gt_parse": ["a"]}):
        write(value)
        assert name in refused(*command)
    write({"gt_parse": {"text_sequence": " Dear Ann "}, "meta": 1})
    code, _, error = run(*command)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train") == {"0.png": ("Dear Ann", None)}


@pytest.mark.parametrize("content", ['{"train": [], "val": [], "test": [], "blank": []}', "[1]", "{", ""])
def test_a_file_with_more_than_labels_is_not_replaced(tmp_path, refused, content):
    picture(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("filename,label\na.png,one\n")
    (tmp_path / "labels.json").write_text(content)
    command = ["--table", tmp_path / "t.csv", "--images", tmp_path, "--output", tmp_path / "labels.json", *ALL_TRAIN]
    message = refused(*command)
    assert str(tmp_path / "labels.json") in message and "--output" in message
    assert (tmp_path / "labels.json").read_text() == content


def test_a_labels_file_is_replaced(tmp_path, run):
    picture(tmp_path / "a.png")
    for label in ("one", "two"):
        (tmp_path / "t.csv").write_text(f"filename,label\na.png,{label}\n")
        output = ["--output", tmp_path / "labels.json", *ALL_TRAIN]
        assert run("--table", tmp_path / "t.csv", "--images", tmp_path, *output)[0] == 0
        assert words_of(tmp_path / "labels.json", "train") == {"a.png": (label, None)}


@pytest.mark.parametrize("content", [b"apple\nbanana\n", b"caf\xe9\n"])
@pytest.mark.parametrize("name", ["words.txt", "lines.txt"])
def test_a_list_of_words_makes_no_iam(tmp_path, run, name, content):
    picture(tmp_path / "gt" / "a.png")
    (tmp_path / "gt" / "a.gt.txt").write_text("one")
    (tmp_path / "gt" / name).write_bytes(content)
    code, _, error = run("--source", tmp_path / "gt", "--output", tmp_path / "l.json", *ALL_TRAIN)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train") == {"a.png": ("one", None)}


def test_a_list_of_words_beside_a_folder_of_them_asks_for_the_format(tmp_path, refused):
    picture(tmp_path / "gt" / "words" / "a.png")
    (tmp_path / "gt" / "words" / "a.gt.txt").write_text("one")
    (tmp_path / "gt" / "words.txt").write_text("apple\n")
    assert "--format gt_txt" in refused("--source", tmp_path / "gt", "--output", tmp_path / "l.json")

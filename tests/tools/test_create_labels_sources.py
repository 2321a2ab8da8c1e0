"""Folders of labelled lines as other tools write them."""

import json
import re

import lmdb
import numpy as np
import pytest
from PIL import Image

from preprocessing.importers import lmdb_store
from preprocessing.labels import read_labels
from tests.helpers.drawn_words import draw_word
from tests.helpers.importers import dropped_of, encoded, picture, words_of

ALL_TRAIN = ["--test_size", 0, "--val_size", 0]


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


PAGE = """<PcGts><Page imageFilename="{name}" imageWidth="900" imageHeight="300"><TextRegion>
<TextLine><Coords points="0,20 {width},20 {width},{bottom} 0,{bottom}"/><Baseline points="0,{base} {width},{base}"/>
<TextEquiv><Unicode>several words</Unicode></TextEquiv></TextLine>
<TextLine><Coords points="0,0 9,0 9,9"/></TextLine></TextRegion></Page></PcGts>"""


@pytest.fixture
def pages(tmp_path):
    """An export as Transkribus writes it: the picture in a folder, the XML in a folder `page` below."""
    word = draw_word("several words", paper=255)
    height, width = word.shape
    page = np.full((300, 900), 255, np.uint8)
    page[20 : 20 + height, :width] = word
    (tmp_path / "export" / "page").mkdir(parents=True)
    Image.fromarray(page).save(tmp_path / "export" / "0001.jpg", quality=95)
    text = PAGE.format(name="0001.jpg", width=width - 1, bottom=19 + height, base=height - 10)
    (tmp_path / "export" / "page" / "0001.xml").write_text(text)
    (tmp_path / "export" / "page" / "0002.xml").write_text(text.replace("0001.jpg", "0002.jpg"))
    (tmp_path / "export" / "mets.xml").write_text("<mets/>")
    return tmp_path / "export", word


def test_lines_of_pages_are_cut(tmp_path, pages, run):
    folder, word = pages
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "labels.json", *ALL_TRAIN]
    code, _, error = run(*command)
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {"page/0001/001.png": ("several words", "page/0001")}
    strip = np.asarray(Image.open(tmp_path / "lines" / "page" / "0001" / "001.png"))
    assert abs(strip.shape[0] - word.shape[0]) <= 2 and abs(strip.shape[1] - word.shape[1]) <= 2
    dropped = dropped_of(tmp_path / "labels.dropped.tsv")
    assert dropped == {"page/0001/002.png": ("", "empty label"), "page/0002": ("0002.jpg", "missing image")}


def test_pictures_made_smaller_after_their_pages(tmp_path, pages, run):
    folder, word = pages
    picture = Image.open(folder / "0001.jpg")
    picture.resize((450, 150)).save(folder / "0001.jpg", quality=95)
    code, _, error = run(
        "--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN
    )
    assert code == 0, error
    strip = Image.open(tmp_path / "lines" / "page" / "0001" / "001.png")
    assert np.allclose(np.array(strip.size) * 2, word.shape[::-1], atol=4)


def test_what_cannot_be_cut_is_told(tmp_path, pages, run):
    """A page twice, one turned, a picture of several pages, a line beside its page."""
    folder, _ = pages
    text = (folder / "page" / "0001.xml").read_text()
    picture = Image.open(folder / "0001.jpg")
    (folder / "alto").mkdir()
    (folder / "alto" / "0001.xml").write_text(text)
    picture.rotate(90, expand=True).save(folder / "turned.png")
    (folder / "page" / "turned.xml").write_text(text.replace("0001.jpg", "turned.png"))
    picture.save(folder / "two.tif", save_all=True, append_images=[picture])
    (folder / "page" / "two.xml").write_text(text.replace("0001.jpg", "two.tif"))
    picture.save(folder / "beside.png")
    moved = text.replace("0001.jpg", "beside.png").replace("0,20 ", "1900,20 ")
    moved = re.sub(r'points="[^"]*"', 'points="1900,20 1990,20 1990,60 1900,60"', moved, count=1)
    (folder / "page" / "beside.xml").write_text(moved.replace('<TextLine><Coords points="0,0 9,0 9,9"/>', "<TextLine>"))
    code, _, error = run(
        "--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN
    )
    assert code == 0, error
    assert list(words_of(tmp_path / "l.json", "train")) == ["alto/0001/001.png"]
    reasons = {name: reason for name, (_, reason) in dropped_of(tmp_path / "l.dropped.tsv").items()}
    assert reasons == {
        "alto/0001/002.png": "empty label",
        "page/0001": "repeated page",
        "page/0002": "missing image",
        "page/turned": "other shape than its page",
        "page/two": "several pages in one picture",
        "page/beside/001.png": "outside its page",
        "page/beside/002.png": "empty label",
    }


def test_another_import_does_not_replace_the_pictures_of_one_before(tmp_path, pages, run, refused):
    folder, _ = pages
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN]
    assert run(*command)[0] == run(*command)[0] == 0
    before = (tmp_path / "lines" / "page" / "0001" / "001.png").read_bytes()
    Image.new("L", (900, 300), 90).save(folder / "0001.jpg")
    assert "001.png is there already" in refused(*command)
    assert (tmp_path / "lines" / "page" / "0001" / "001.png").read_bytes() == before


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


def test_pages_need_a_folder_for_their_lines(tmp_path, pages, refused):
    assert "--images" in refused("--source", pages[0], "--output", tmp_path / "labels.json")


LINES = """\
#--- lines.txt ---#
a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to|stop|Mr.|Gaitskell
a01-000u-01 err 156 19 395 932 1850 105 any|more|M Ps|,
a01-000u-02 ok 157 16 408 1106
"""


@pytest.mark.parametrize("place", ["a01/a01-000u/{}.png", "lines/a01/a01-000u/{}.png", "{}.png", "lines/{}.png"])
@pytest.mark.parametrize("options", [[], ["--format", "iam_lines"]], ids=["recognised", "beside words"])
def test_iams_lines(tmp_path, run, place, options):
    names = ["a01-000u-00", "a01-000u-01"]
    for name in names:
        picture(tmp_path / "lines" / place.format(name))
    (tmp_path / "lines.txt").write_text(LINES)
    (tmp_path / "forms.txt").write_text("a01-000u 000 2 prt 7 5 52 36\n")
    if options:
        (tmp_path / "words.txt").write_text("a01-000u-00-00 ok 154 408 768 27 51 AT A\n")
    code, _, error = run("--source", tmp_path, *options, "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    texts = ["A MOVE to stop Mr. Gaitskell", "any more M Ps ,"]
    expected = {place.format(name): (text, "000") for name, text in zip(names, texts)}
    assert words_of(tmp_path / "labels.json", "train") == expected
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {
        "lines.txt:4": ("a01-000u-02 ok 157 16 408 1106", "malformed line")
    }


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
        "000000004.png": ("four", "unreadable image"),
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


def test_iams_images_may_be_doubled_or_flat(tmp_path, run):
    line = "{} ok 154 1 2 3 4 AT A MOVE\n"
    names = [f"a01-000u-00-{number:02}" for number in range(3)]
    for layout, place in {
        "own": "a01/a01-000u/{}.png",
        "doubled": "words/a01/a01-000u/{}.png",
        "flat": "{}.png",
    }.items():
        folder = tmp_path / layout
        for name in names:
            picture(folder / "words" / place.format(name))
        (folder / "words.txt").write_text("".join(line.format(name) for name in names))
        code, _, error = run("--source", folder, "--output", folder / "labels.json", *ALL_TRAIN)
        assert code == 0, error
        found = {word.filename for word in read_labels(folder / "labels.json").splits["train"]}
        assert found == {place.format(name) for name in names}


def test_a_folder_of_images_that_is_not_used_is_refused(tmp_path, refused):
    (tmp_path / "a.gt.txt").write_text("x")
    command = ["--source", tmp_path, "--images", tmp_path, "--output", tmp_path / "labels.json"]
    assert "--images is not used" in refused(*command)

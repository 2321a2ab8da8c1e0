"""Folders of labelled lines as other tools write them."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.labels import read_labels
from tests.helpers.drawn_words import draw_word
from tests.helpers.importers import dropped_of, picture, words_of

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


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "does not exist"),
        ({"readme.md": "x"}, "holds no words.txt"),
        ({"a.gt.txt": "x"}, "No usable word: 1 missing image"),
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
    images = [] if "metadata" in str(files) else ["--images", tmp_path / "lines"]
    assert message in refused("--source", tmp_path / "source", *images, "--output", tmp_path / "labels.json")
    assert not (tmp_path / "labels.json").exists()


def test_pages_need_a_folder_for_their_lines(tmp_path, pages, refused):
    assert "--images" in refused("--source", pages[0], "--output", tmp_path / "labels.json")


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

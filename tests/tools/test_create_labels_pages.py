"""Lines cut out of pages with PAGE or ALTO files, and what cannot be cut."""

import re

import numpy as np
import pytest
from PIL import Image

from tests.helpers.importers import ALL_TRAIN, dropped_of, words_of


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


def test_pictures_made_smaller_after_their_pages(tmp_path, pages, cut):
    folder, word = pages
    picture = Image.open(folder / "0001.jpg")
    picture.resize((450, 150)).save(folder / "0001.jpg", quality=95)
    cut(folder)
    strip = Image.open(tmp_path / "lines" / "page" / "0001" / "001.png")
    assert np.allclose(np.array(strip.size) * 2, word.shape[::-1], atol=4)


def test_what_cannot_be_cut_is_told(tmp_path, pages, cut):
    """A page twice, one turned, a picture of several pages, a line beside its page."""
    folder, _ = pages
    text = (folder / "page" / "0001.xml").read_text()
    picture = Image.open(folder / "0001.jpg")
    (folder / "alto").mkdir()
    (folder / "alto" / "0001.xml").write_text(text)
    picture.rotate(90, expand=True).save(folder / "turned.png")
    (folder / "page" / "turned.xml").write_text(text.replace("0001.jpg", "turned.png"))
    picture.save(folder / "two.tif", save_all=True, append_images=[picture])
    (folder / "page" / "other.xml").write_text(text.replace("0001.jpg", "two.tif"))
    picture.save(folder / "beside.png")
    moved = text.replace("0001.jpg", "beside.png").replace("0,20 ", "1900,20 ")
    moved = re.sub(r'points="[^"]*"', 'points="1900,20 1990,20 1990,60 1900,60"', moved, count=1)
    (folder / "page" / "beside.xml").write_text(moved.replace('<TextLine><Coords points="0,0 9,0 9,9"/>', "<TextLine>"))
    cut(folder)
    assert list(words_of(tmp_path / "l.json", "train")) == ["alto/0001/001.png"]
    reasons = {name: reason for name, (_, reason) in dropped_of(tmp_path / "l.dropped.tsv").items()}
    assert reasons == {
        "alto/0001/002.png": "empty label",
        "page/0001": "repeated page",
        "page/0002": "missing image",
        "page/turned": "other shape than its page",
        "page/other": "several pages in one picture",
        "page/beside/001.png": "outside its page",
        "page/beside/002.png": "empty label",
    }


def test_pages_of_a_pdf_are_found_by_the_names_that_escriptorium_gives_them(tmp_path, pages, cut):
    folder, word = pages
    blank, picture = Image.new("L", (900, 300), 255), Image.open(folder / "0001.jpg")
    blank.save(folder / "Book.pdf", save_all=True, append_images=[picture], resolution=300)
    text = (folder / "page" / "0001.xml").read_text()
    (folder / "page" / "0001.xml").unlink()
    (folder / "page" / "any.xml").write_text(text.replace("0001.jpg", "Book.pdf_page_2.png"))
    cut(folder)
    strip = np.asarray(Image.open(tmp_path / "lines" / "page" / "any" / "001.png").convert("L"))
    assert abs(strip.shape[0] - word.shape[0]) <= 3 and (strip < 128).mean() > 0.02


@pytest.mark.parametrize("picture", ["0001.jpg", "page/0001.jpg", "doc/0001.png", "0001.JPG", "0001.TIF"])
def test_pictures_may_be_elsewhere(tmp_path, pages, run, picture):
    folder, _ = pages
    place = tmp_path / "scans" / picture
    place.parent.mkdir(parents=True)
    Image.open(folder / "0001.jpg").save(place)
    (folder / "0001.jpg").unlink()
    if "doc" in picture:
        (folder / "page").rename(folder / "doc")
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN]
    code, _, error = run(*command)
    assert code == 2 and "--pictures" in error and str(folder) in error and "0001.jpg" in error
    code, _, error = run(*command, "--pictures", tmp_path / "scans")
    assert code == 0, error
    assert len(words_of(tmp_path / "l.json", "train")) == 1
    # The picture of the other page is still missing.
    assert str(tmp_path / "scans" / "0002.jpg") in error


@pytest.mark.parametrize("ending", ["tif", "pdf"])
def test_pages_of_one_file_by_the_names_of_our_exports(tmp_path, pages, run, ending):
    folder, _ = pages
    first = Image.open(folder / "0001.jpg")
    second = Image.new("L", first.size, 255)
    (tmp_path / "scans").mkdir()
    first.save(tmp_path / "scans" / f"two.{ending}", save_all=True, append_images=[second])
    text = (folder / "page" / "0001.xml").read_text().replace("0001.jpg", f"two.{ending}")
    (tmp_path / "xml").mkdir()
    for name in ("two", "two-2", "two-3", "other"):
        (tmp_path / "xml" / f"{name}.xml").write_text(text)
    command = ["--source", tmp_path / "xml", "--pictures", tmp_path / "scans", "--images", tmp_path / "lines"]
    code, _, error = run(*command, "--output", tmp_path / "l.json", *ALL_TRAIN)
    assert code == 0, error
    strips = [
        np.asarray(Image.open(tmp_path / "lines" / name)) for name in sorted(words_of(tmp_path / "l.json", "train"))
    ]
    assert len(strips) == 2
    assert sorted(strip.min() > 200 for strip in strips) == [False, True]
    reasons = {name: reason for name, (_, reason) in dropped_of(tmp_path / "l.dropped.tsv").items()}
    assert reasons["other"] == "several pages in one picture" and reasons["two-3"] == "no such page in its picture"


def test_a_single_file_is_cut(tmp_path, pages, run):
    folder, _ = pages
    command = ["--source", folder / "page" / "0001.xml", "--images", tmp_path / "lines", *ALL_TRAIN]
    code, _, error = run(*command, "--output", tmp_path / "l.json")
    assert code == 0, error
    assert list(words_of(tmp_path / "l.json", "train")) == ["0001/001.png"]


def test_files_of_others_are_left_out(tmp_path, pages, cut):
    folder, _ = pages
    (folder / "page" / "0001.xml").rename(folder / "page" / "0001.XML")
    (folder / "__MACOSX" / "page").mkdir(parents=True)
    for name in ("__MACOSX/page/._0001.xml", "page/._0001.xml"):
        (folder / name).write_bytes(b"\x00\x05\x16\x07\xff")
    (folder / "doc.xml").write_text("<TEI/>")
    (folder / "index.xml").write_text("<!DOCTYPE html><html/>")
    (folder / "old.xml").write_bytes(
        "<?xml version='1.0' encoding='ISO-8859-1'?><TEI>caf\u00e9</TEI>".encode("latin-1")
    )
    error = cut(folder)
    assert list(words_of(tmp_path / "l.json", "train")) == ["page/0001/001.png"]
    assert "doc.xml" in error and " 3," in error


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_page_that_is_not_utf8_is_refused(tmp_path, pages, refused, encoding):
    folder, _ = pages
    (folder / "page" / "0003.xml").write_bytes("<PcGts>caf\u00e9</PcGts>".encode(encoding))
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json"]
    assert "0003.xml is not UTF-8" in refused(*command)


def test_a_malformed_page_stops_the_import_before_it_writes(tmp_path, pages, refused):
    folder, _ = pages
    (folder / "page" / "0003.xml").write_text("<PcGts><Page")
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json"]
    assert "0003.xml" in refused(*command)
    assert not (tmp_path / "lines").exists()


def test_outlines_without_area_are_dropped(tmp_path, pages, cut):
    folder, _ = pages
    path = folder / "page" / "0001.xml"
    text = path.read_text()
    line = '<TextLine><Coords points="{}"/><TextEquiv><Unicode>dot</Unicode></TextEquiv></TextLine></TextRegion>'
    for points in ("9,9 9,9 9,9", "9,9 10,10 11,9", "0,50 400,51 800,50"):
        text = text.replace("</TextRegion>", line.format(points))
    path.write_text(text)
    cut(path)
    assert list(words_of(tmp_path / "l.json", "train")) == ["0001/001.png"]
    reasons = [reason for _, reason in dropped_of(tmp_path / "l.dropped.tsv").values()]
    assert reasons.count("outline without area") == 3


def test_another_import_does_not_replace_the_pictures_of_one_before(tmp_path, pages, run, refused):
    folder, _ = pages
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN]
    assert run(*command)[0] == run(*command)[0] == 0
    before = (tmp_path / "lines" / "page" / "0001" / "001.png").read_bytes()
    Image.new("L", (900, 300), 90).save(folder / "0001.jpg")
    assert "001.png is there already" in refused(*command)
    assert (tmp_path / "lines" / "page" / "0001" / "001.png").read_bytes() == before


def test_pages_need_a_folder_for_their_lines(tmp_path, pages, refused):
    assert "--images" in refused("--source", pages[0], "--output", tmp_path / "labels.json")


@pytest.mark.parametrize(
    "line",
    [
        '<Coords points="0,20 90000,20 200,60 0,60"/>',
        '<Coords points="0,20 200,20 200,99999 0,60"/>',
        '<Coords points="0,20 200,20 200,60 0,60"/><Baseline points="0,55 60000,55"/>',
    ],
)
def test_a_line_with_a_wrong_point_is_left_out(tmp_path, pages, run, line):
    folder, _ = pages
    path = folder / "page" / "0001.xml"
    text = f"<TextLine>{line}<TextEquiv><Unicode>wrong</Unicode></TextEquiv></TextLine></TextRegion>"
    path.write_text(path.read_text().replace("</TextRegion>", text))
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "labels.json", *ALL_TRAIN]
    code, _, error = run(*command)
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {"page/0001/001.png": ("several words", "page/0001")}
    assert dropped_of(tmp_path / "labels.dropped.tsv")["page/0001/003.png"][0] == "wrong"

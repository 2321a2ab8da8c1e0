"""Read pages in each format: valid, complete, and read again as what they were."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from predictors.page_formats.alto import to_alto
from predictors.page_formats.hocr import to_hocr
from predictors.page_formats.page_json import to_json
from predictors.page_formats.page_xml import to_page_xml
from predictors.page_formats.text import to_text
from preprocessing.importers.page_xml import read_page
from preprocessing.page.layout import Line, Page, PageWord
from tests.helpers.tiny import REPOSITORY

WORDS = (PageWord("<café>", 0.91, (10, 20, 90, 40)), PageWord('& "noir"', 0.4, (120, 20, 90, 40)))
POLYGON = ((10.0, 20.0), (210.0, 22.0), (210.0, 60.0), (10.0, 60.0))
BASE = ((10.0, 50.0), (210.0, 54.0))
PAGE = Page(
    "scans/a 'b' \"c\" & ü.jpg",
    800,
    600,
    (Line(POLYGON, BASE, '<café> & "noir"', 0.37, WORDS), Line(POLYGON, (), "\x01last", 0.2)),
    2,
)
EMPTY = Page("blank.png", 10, 10, ())
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"


@pytest.mark.parametrize("page", [PAGE, EMPTY])
def test_page_xml_is_valid(page):
    xmlschema = pytest.importorskip("xmlschema")
    xmlschema.XMLSchema(REPOSITORY / "tests" / "data" / "page_2019.xsd").validate(to_page_xml(page))


@pytest.mark.parametrize("write", [to_page_xml, to_alto])
def test_xml_is_read_again_as_it_was(tmp_path, write):
    (tmp_path / "p.xml").write_text(write(PAGE), encoding="utf-8")
    page = read_page(tmp_path / "p.xml")
    assert (f"scans/{page.filename}", page.width, page.height) == (PAGE.filename, 800, 600)
    assert [line.text for line in page.lines] == ['<café> & "noir"', "\ufffdlast"]
    assert [(line.polygon, line.baseline) for line in page.lines] == [(POLYGON, BASE), (POLYGON, ())]


@pytest.mark.parametrize(
    "write, schema",
    [
        (to_page_xml, "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15/pagecontent.xsd"),
        (to_alto, "http://www.loc.gov/standards/alto/v4/alto.xsd"),
    ],
)
def test_xml_names_a_schema_that_escriptorium_takes(write, schema):
    """Its importer refuses files without, and finds pictures by their bare names."""
    root = ElementTree.fromstring(write(PAGE))
    location = root.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation")
    assert location.split() == [root.tag[1:].partition("}")[0], schema]
    assert "scans/" not in write(PAGE)


@pytest.mark.parametrize("page", [PAGE, EMPTY])
def test_alto_has_what_its_schema_demands(page):
    """The order of elements and the required attributes of ALTO 4.4 (loc.gov/standards/alto)."""
    root = ElementTree.fromstring(to_alto(page))
    assert [child.tag for child in root] == [f"{ALTO}Description", f"{ALTO}Layout"]
    assert [child.tag.removeprefix(ALTO) for child in root[0]] == [
        "MeasurementUnit",
        "sourceImageInformation",
        "Processing",
    ]
    names = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(names) == len(set(names)) and all(re.fullmatch(r"[A-Za-z_][\w.-]*", name) for name in names)
    assert all(element.get("ID") for element in [*root.iter(f"{ALTO}Page"), *root.iter(f"{ALTO}TextBlock")])
    for line in root.iter(f"{ALTO}TextLine"):
        kinds = [child.tag.removeprefix(ALTO) for child in line]
        assert kinds[0] == "Shape" and kinds[1] == kinds[-1] == "String" and set(kinds[2::2]) <= {"SP"}
        for word in line.iter(f"{ALTO}String"):
            assert word.get("CONTENT") and 0 <= float(word.get("WC")) <= 1
    assert len(list(root.iter(f"{ALTO}TextLine"))) == len(page.lines)
    placed = [
        element for name in ("PrintSpace", "TextBlock", "TextLine", "String") for element in root.iter(ALTO + name)
    ]
    for element in placed:
        left, top, width, height = (int(element.get(side, "-1")) for side in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
        assert min(left, top, width, height) >= 0
        assert left + width <= page.width and top + height <= page.height


def test_hocr_has_pages_lines_and_words_within_each_other():
    html = to_hocr([PAGE, EMPTY])
    root = ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>\n"))
    tag = "{http://www.w3.org/1999/xhtml}"
    assert {meta.get("name") for meta in root.iter(f"{tag}meta")} >= {"ocr-system", "ocr-capabilities"}
    pages = [div for div in root.iter(f"{tag}div") if div.get("class") == "ocr_page"]
    assert [page.get("title") for page in pages] == [
        "image \"scans/a 'b' 'c' & ü.jpg\"; bbox 0 0 800 600; ppageno 1",
        'image "blank.png"; bbox 0 0 10 10; ppageno 0',
    ]
    (paragraph,) = pages[0]
    assert (paragraph.get("class"), paragraph.get("title")) == ("ocr_par", "bbox 10 20 210 60")
    lines = [span for span in paragraph if span.get("class") == "ocr_line"]
    assert [line.get("title") for line in lines] == ["bbox 10 20 210 60; baseline 0.0200 -10", "bbox 10 20 210 60"]
    assert [(word.get("title"), word.text) for word in lines[0]] == [
        ("bbox 10 20 100 60; x_wconf 91", "<café>"),
        ("bbox 120 20 210 60; x_wconf 40", '& "noir"'),
    ]
    assert lines[1].text == "\ufffdlast" and not len(pages[1])
    # A browser would take what follows a div without an end for its content.
    assert "<div" in to_hocr([EMPTY]) and "/>" not in to_hocr([EMPTY]).rpartition("<div")[2]


def test_hocr_gives_the_slope_of_a_line_from_either_end():
    lines = [replace(PAGE.lines[0], baseline=base) for base in (BASE, BASE[::-1])]
    assert [to_hocr([replace(PAGE, lines=(line,))]).count("baseline 0.0200 -10") for line in lines] == [1, 1]


def test_json_has_the_documented_form():
    first, last = to_json([PAGE, EMPTY], min_confidence=0.38)
    assert list(first) == ["filename", "page", "text", "width", "height", "lines"]
    assert (first["page"], first["text"]) == (2, '<café> & "noir"\n\x01last')
    line = first["lines"][0]
    assert list(line) == ["text", "confidence", "doubtful", "polygon", "baseline", "words"]
    assert line["doubtful"] and not line["words"][1]["doubtful"] and line["words"][0]["box"] == (10, 20, 90, 40)
    assert "doubtful" not in to_json([PAGE])[0]["lines"][0] and last["lines"] == []


def test_text_has_an_empty_line_between_pages_and_no_control_characters():
    assert to_text([PAGE, PAGE]) == '<café> & "noir"\n\\x01last\n\n<café> & "noir"\n\\x01last\n'

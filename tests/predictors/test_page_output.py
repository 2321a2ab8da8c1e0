"""Files of pages: none of others is replaced, and overlays show what was read."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from predictors.page_formats.alto import to_alto
from predictors.page_formats.page_xml import to_page_xml
from predictors.page_output import OverlayFolder, PageOutput
from predictors.page_overlay import draw_overlay
from preprocessing.page.layout import CORRECTED, Line, Page, PageWord
from utils.errors import UserError


def test_doubtful_lines_have_another_colour_in_the_overlay():
    outline = ((10.0, 10.0), (90.0, 10.0), (90.0, 40.0), (10.0, 40.0))
    page = Page("a.png", 100, 50, (Line(outline, (), "ten words", 0.6),))
    plain, marked = (
        np.asarray(draw_overlay(np.full((50, 100), 255, np.uint8), page, limit))[10, 50].tolist()
        for limit in (0.5, 0.7)
    )
    assert plain[2] > plain[0] and marked[0] > marked[2]


@pytest.mark.parametrize("xml_format", ["page", "alto"])
def test_xml_of_others_is_not_replaced_and_our_own_is(tmp_path, xml_format):
    """As Transkribus exports it: pictures, and their text in the folder `page` beside them."""
    pictures = [tmp_path / "a.jpg", tmp_path / "b.jpg"]

    def write():
        output = PageOutput(str(tmp_path / "page.xml"), xml_format, None, pictures)
        for picture in pictures:
            output.add(Page(str(picture), 60, 40, ()))
        output.close()

    write()
    write()
    (tmp_path / "page" / "b.xml").write_text("<PcGts>corrected by hand</PcGts>")
    with pytest.raises(UserError, match=r"b\.xml"):
        write()
    assert "by hand" in (tmp_path / "page" / "b.xml").read_text()


def test_xml_of_others_is_not_replaced_by_further_pages_of_a_file(tmp_path):
    """A TIFF with two pages that is named .jpg."""
    picture, transcript = tmp_path / "scan.jpg", tmp_path / "page" / "scan.xml"
    transcript.parent.mkdir()
    transcript.write_text("<PcGts>corrected by hand</PcGts>", encoding="utf-8")
    output = PageOutput(str(tmp_path / "page.xml"), "page", None, [picture])
    output.add(Page(str(picture), 60, 40, ()))
    with pytest.raises(UserError, match=r"scan\.xml"):
        output.add(Page(str(picture), 60, 40, (), 2))
    output.close(is_finished=False)
    assert "by hand" in transcript.read_text(encoding="utf-8")
    assert [path.name for path in transcript.parent.iterdir()] == ["scan.xml"]
    assert "scan.jpg" in (tmp_path / "page.xml").read_text(encoding="utf-8")


def test_overlays_replace_our_own_alone(tmp_path):
    pictures, drawn = [tmp_path / "in" / "a.png"], tmp_path / "drawn"
    for _ in range(2):
        OverlayFolder(str(drawn), None, pictures).add(
            np.full((40, 60), 255, np.uint8), Page(str(pictures[0]), 60, 40, ())
        )
    Image.new("L", (60, 40)).save(drawn / "a.jpg")
    with pytest.raises(UserError, match=r"a\.jpg"):
        OverlayFolder(str(drawn), None, pictures)


def test_an_overlay_shows_letters_with_accents():
    def drawn(letter):
        word = PageWord(letter, 0.9, (20, 60, 60, 40))
        line = Line(((20, 60), (80, 60), (80, 100), (20, 100)), ((20, 95), (80, 95)), letter, 0.9, (word,))
        return np.asarray(draw_overlay(np.full((120, 200), 255, np.uint8), Page("a.png", 200, 120, (line,))))

    missing = drawn("\uffff")
    letters = [drawn(letter) for letter in "e\u00e9\u00e8\u00e0\u00e7\u0153\u00df\u00fc"]
    assert not any(np.array_equal(one, missing) for one in letters)
    assert len({one.tobytes() for one in letters}) == len(letters)


@pytest.mark.parametrize(("xml_format", "write"), [("page", to_page_xml), ("alto", to_alto)])
def test_a_corrected_export_is_not_replaced(tmp_path, xml_format, write):
    page = Page("letter.jpg", 60, 40, ())
    (tmp_path / "letter.xml").write_text(write(page), encoding="utf-8")
    PageOutput(str(tmp_path / "letter.xml"), xml_format, None, [tmp_path / "letter.jpg"])
    (tmp_path / "letter.xml").write_text(write(replace(page, creator=CORRECTED)), encoding="utf-8")
    with pytest.raises(UserError, match=r"letter\.xml"):
        PageOutput(str(tmp_path / "letter.xml"), xml_format, None, [tmp_path / "letter.jpg"])


def test_a_single_xml_file_of_others_is_not_replaced(tmp_path):
    (tmp_path / "letter.xml").write_text("<PcGts>corrected by hand</PcGts>", encoding="utf-8")
    with pytest.raises(UserError, match=r"letter\.xml"):
        PageOutput(str(tmp_path / "letter.xml"), "page", None, [tmp_path / "letter.jpg"])
    (tmp_path / "letter.xml").write_bytes(b"")  # as mktemp makes it
    PageOutput(str(tmp_path / "letter.xml"), "page", None, [tmp_path / "letter.jpg"])


@pytest.mark.parametrize("text", ["věc", "ящик", "λόγος", "שלום"])
def test_overlays_show_letters_of_other_scripts(text):
    """Each text has ink of its own, and no box stands for a letter."""
    outline = ((10.0, 60.0), (190.0, 60.0), (190.0, 90.0), (10.0, 90.0))
    words = [PageWord(one, 0.9, (10, 60, 180, 30)) for one in (text, text[:-1] + "\uffff")]
    paper, drawn = np.full((100, 200), 255, np.uint8), []
    for word in words:
        page = Page("a.png", 200, 100, (Line(outline, (), word.text, 0.9, (word,)),))
        drawn.append(np.asarray(draw_overlay(paper, page)))
    assert (drawn[0] != drawn[1]).any() and (drawn[0][:58] < 128).any()

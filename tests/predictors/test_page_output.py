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


def test_pages_of_linked_pictures_lie_in_the_folders_of_their_links(tmp_path):
    """As git-annex keeps pictures: the files themselves are elsewhere, each in a folder of its own."""
    names, drawn = ("a.png", "b/a.png"), tmp_path / "drawn"
    for number, name in enumerate(names):
        (tmp_path / "kept" / str(number)).mkdir(parents=True)
        (tmp_path / "kept" / str(number) / "key.png").touch()
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).symlink_to(tmp_path / "kept" / str(number) / "key.png")
    pictures = [tmp_path / "in" / name for name in names]
    output = PageOutput(str(tmp_path / "out.xml"), "page", None, pictures)
    overlays = OverlayFolder(str(drawn), None, pictures)
    for picture in pictures:
        output.add(Page(str(picture), 60, 40, ()))
        overlays.add(np.full((40, 60), 255, np.uint8), Page(str(picture), 60, 40, ()))
    output.close()
    for folder, ending in ((tmp_path / "out", "xml"), (drawn, "jpg")):
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert found == {f"a.{ending}", f"b/a.{ending}"}


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


@pytest.mark.parametrize(("slope", "top"), [(0.0, 0), (0.0, 30), (0.3, 100)])
def test_the_text_of_an_overlay_is_as_large_on_slanted_lines_and_within_the_picture(slope, top):
    """Of the same word: in the middle of the page, at its upper edge, and on a line 270 pixels lower at its end."""

    def drawn(slope, top):
        outline = tuple((x, y + slope * (x - 50)) for x, y in ((50, top), (950, top), (950, top + 40), (50, top + 40)))
        word = PageWord("words", 0.9, (50, top, 80, 40))
        paper, page = np.full((500, 1000), 255, np.uint8), Page("a.png", 1000, 500, (Line(outline, (), "words", 0.9),))
        with_text = replace(page, lines=(replace(page.lines[0], words=(word,)),))
        return np.count_nonzero(np.asarray(draw_overlay(paper, page)) != np.asarray(draw_overlay(paper, with_text)))

    assert abs(drawn(slope, top) / drawn(0.0, 250) - 1) < 0.2


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

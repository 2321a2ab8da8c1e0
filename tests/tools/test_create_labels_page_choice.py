"""Which of several files and pictures of a page is taken, and which of the texts of its lines."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.page.layout import CORRECTED, PROGRAM
from tests.helpers.importers import ALL_TRAIN, dropped_of, words_of

STAIN = """<TextLine><Coords points="0,200 90,200 90,230 0,230"/>
<TextEquiv><Unicode>stain</Unicode></TextEquiv></TextLine>"""
ALTO = """<alto><Description><MeasurementUnit>pixel</MeasurementUnit><sourceImageInformation>
<fileName>0001.jpg</fileName></sourceImageInformation></Description><Layout><Page WIDTH="900" HEIGHT="300">
<TextLine HPOS="0" VPOS="20" WIDTH="{width}" HEIGHT="{height}" BASELINE="90">
<String CONTENT="several words"/></TextLine>
</Page></Layout></alto>"""


def test_of_several_files_of_a_page_the_fullest_is_cut(tmp_path, pages, cut):
    """Transkribus' ALTO without outlines sorts before its PAGE, and before both the page without its text."""
    folder, word = pages
    (folder / "alto").mkdir()
    alto = ALTO.format(width=word.shape[1], height=word.shape[0])
    (folder / "alto" / "0001.xml").write_text(alto)
    (folder / "a").mkdir()
    text = (folder / "page" / "0001.xml").read_text()
    (folder / "a" / "0001.xml").write_text(text.replace("several words", ""))
    cut(folder)
    assert words_of(tmp_path / "l.json", "train") == {"page/0001/001.png": ("several words", "page/0001")}
    dropped = dropped_of(tmp_path / "l.dropped.tsv")
    assert dropped["alto/0001"][1] == dropped["a/0001"][1] == "repeated page"


def test_a_page_corrected_with_this_program_is_cut_rather_than_another_reading(tmp_path, pages, cut):
    """Also where a line that is none was emptied, so that the others have more."""
    folder, _ = pages
    corrected = (folder / "page" / "0001.xml").read_text()
    for name, creator, text in (("a", PROGRAM, "wrong"), ("b", "kraken", "worse"), ("c", CORRECTED, "several")):
        changed = corrected.replace("<Page ", f"<Metadata><Creator>{creator}</Creator></Metadata><Page ")
        end = "</TextRegion>" if name == "c" else f"{STAIN}</TextRegion>"
        (folder / "page" / f"{name}.xml").write_text(changed.replace("several", text).replace("</TextRegion>", end))
    (folder / "page" / "0001.xml").unlink()
    cut(folder)
    assert words_of(tmp_path / "l.json", "train") == {"page/c/001.png": ("several words", "page/c")}


@pytest.mark.parametrize("spurious", [0, 1])
def test_a_corrected_page_is_cut_rather_than_our_own_reading_of_it(tmp_path, pages, cut, spurious):
    """Also where a line that is none was deleted, so that the file of this program has more of them."""
    folder, _ = pages
    corrected = (folder / "page" / "0001.xml").read_text()
    creator = f"<Metadata><Creator>{PROGRAM}</Creator></Metadata>"
    own = corrected.replace("<Page ", f"{creator}<Page ").replace("several", "wrong")
    line = spurious * STAIN
    (folder / "0001.xml").write_text(own.replace("</TextRegion>", f"{line}</TextRegion>"))
    error = cut(folder)
    assert words_of(tmp_path / "l.json", "train") == {"page/0001/001.png": ("several words", "page/0001")}
    assert dropped_of(tmp_path / "l.dropped.tsv")["0001"][1] == "repeated page"
    assert str(folder / "0001.xml") in error


# Where the rotation swaps no sides, and in a TIFF, which Pillow turns, places are those of the upright picture.
ROTATIONS = [(ending, turn, False) for ending in ("jpg", "png", "tif") for turn in (3, 6, 8)]
ROTATIONS += [(ending, turn, True) for ending in ("jpg", "png") for turn in (6, 8)]


@pytest.mark.parametrize(("ending", "orientation", "stored"), ROTATIONS)
def test_places_are_those_of_the_picture_with_the_shape_of_the_page(tmp_path, pages, cut, ending, orientation, stored):
    """kraken and OCR-D ignore the EXIF rotation; OpenCV and this program apply it."""
    folder, word = pages
    picture, exif = Image.open(folder / "0001.jpg"), Image.Exif()
    exif[0x112] = orientation
    if not stored:
        picture = picture.rotate({3: 180, 6: 90, 8: -90}[orientation], expand=True)
    picture.save(folder / f"turned.{ending}", exif=exif)
    path = folder / "page" / "0001.xml"
    path.write_text(path.read_text().replace("0001.jpg", f"turned.{ending}"))
    cut(path, "--pictures", folder)
    strip = np.asarray(Image.open(tmp_path / "lines" / "0001" / "001.png").convert("L"))
    assert abs(strip.shape[0] - word.shape[0]) <= 2 and (strip < 128).mean() > 0.02
    assert strip[:, : word.shape[1] // 2].min() < 128  # not upside down, with the ink at the other end


def test_a_damaged_picture_of_a_page_is_left_out(tmp_path, pages, run):
    folder, _ = pages
    Image.open(folder / "0001.jpg").save(folder / "0001.png")
    content = bytearray((folder / "0001.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / "0001.png").write_bytes(content)
    path = folder / "page" / "0001.xml"
    path.write_text(path.read_text().replace("0001.jpg", "0001.png"))
    command = ["--source", folder, "--images", tmp_path / "lines", "--output", tmp_path / "l.json", *ALL_TRAIN]
    assert run(*command)[0] == 2 and not list((tmp_path / "lines").rglob("*.png"))


def test_a_page_of_a_pdf_is_not_cut_from_a_picture_of_the_same_name(tmp_path, pages, cut):
    folder, word = pages
    picture, path = Image.open(folder / "0001.jpg"), folder / "page" / "0001.xml"
    Image.new("L", picture.size, 255).save(folder / "book.jpg")
    Image.new("L", picture.size, 255).save(folder / "book.pdf", save_all=True, append_images=[picture], resolution=300)
    text = path.read_text()
    path.unlink()
    (folder / "page" / "book.xml").write_text(text.replace("0001.jpg", "book.pdf_page_2.png"))
    cut(folder)
    strip = np.asarray(Image.open(tmp_path / "lines" / "page" / "book" / "001.png").convert("L"))
    assert abs(strip.shape[0] - word.shape[0]) <= 3 and (strip < 128).mean() > 0.02


def test_texts_that_may_be_predictions_are_counted(tmp_path, pages, run):
    """In LAREX and OCR4all index 0 is the ground truth; a line of which it was emptied has none."""
    folder, _ = pages
    path = folder / "page" / "0001.xml"
    one, zero = '<TextEquiv index="1"><Unicode>several words', '<TextEquiv index="0"><Unicode/></TextEquiv>'
    plain = path.read_text()
    path.write_text(plain.replace("<TextEquiv><Unicode>several words", one))
    command = ["--source", path, "--output", tmp_path / "l.json", *ALL_TRAIN]
    code, _, error = run(*command, "--images", tmp_path / "one")
    assert code == 0 and "index 1" in error and "0001.xml" in error
    path.write_text(plain.replace("<TextEquiv><Unicode>several words", zero + one))
    code, _, error = run(*command, "--images", tmp_path / "two")
    assert code != 0 and "index 1" not in error

"""Pages of files: photos, multi-page TIFF and PDF, and what can't be read."""

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from preprocessing.image_file import NEW_SUBFILE_TYPE, REDUCED, UnusableImage, decode
from preprocessing.page.pictures import read_pictures
from tests.helpers.drawn_pages import encrypted_pdf
from utils.config.image import ImageConfig

IMAGE = ImageConfig()
PAGES = [Image.new("L", (60, 80), grey) for grey in (50, 120, 250)]


@pytest.mark.parametrize("name", ["pages.tif", "pages.pdf"])
def test_every_page_of_a_file_is_read_in_order(tmp_path, name):
    if name.endswith("pdf"):
        pytest.importorskip("pypdfium2")
    PAGES[0].save(tmp_path / name, save_all=True, append_images=PAGES[1:], resolution=300)
    numbers, pages = zip(*read_pictures(tmp_path / name, IMAGE))
    assert numbers == (1, 2, 3)
    np.testing.assert_allclose([page.shape[:2] for page in pages], [(80, 60)] * 3, atol=1)
    assert np.allclose([page.mean() for page in pages], (50, 120, 250), atol=2)


def test_only_the_first_picture_of_other_formats_is_a_page(tmp_path):
    PAGES[0].save(tmp_path / "moving.gif", save_all=True, append_images=PAGES[1:])
    assert len(list(read_pictures(tmp_path / "moving.gif", IMAGE))) == 1


def test_smaller_copies_of_a_page_are_no_pages(tmp_path):
    with TiffImagePlugin.AppendingTiffWriter(str(tmp_path / "pyramid.tif"), new=True) as file:
        for picture, kind in ((PAGES[0], 0), (PAGES[0].resize((30, 40)), REDUCED), (PAGES[1], 0)):
            picture.save(file, format="TIFF", tiffinfo={NEW_SUBFILE_TYPE: kind})
            file.newFrame()
    assert [page.shape for _, page in read_pictures(tmp_path / "pyramid.tif", IMAGE)] == [(80, 60), (80, 60)]


def test_a_page_that_cannot_be_read_is_told_and_the_next_ones_follow(tmp_path):
    first, last = (Image.new("L", (60, 80), grey) for grey in (50, 250))
    large = Image.new("L", (600, 800))
    first.save(tmp_path / "pages.tif", save_all=True, append_images=[large, last])
    errors, image = [], IMAGE.model_copy(update={"max_pixels": 10_000})
    pages = list(read_pictures(tmp_path / "pages.tif", image, errors.append))
    assert [(number, page.mean()) for number, page in pages] == [(1, 50), (3, 250)]
    assert len(errors) == 1 and "page 2" in str(errors[0])


def test_the_whole_pages_of_a_file_that_was_cut_off_are_read(tmp_path):
    shades = (50, 150, 250)
    first, *others = (Image.new("L", (60, 80), grey) for grey in shades)
    first.save(tmp_path / "pages.tif", save_all=True, append_images=others)
    content = (tmp_path / "pages.tif").read_bytes()
    for whole, share in ((2, 0.9), (1, 0.6)):
        (tmp_path / "cut.tif").write_bytes(content[: int(share * len(content))])
        pages, errors = [], []
        for number, page in read_pictures(tmp_path / "cut.tif", IMAGE, errors.append):
            pages.append((number, page.mean()))
        assert pages == list(enumerate(shades[:whole], 1)) and f"page {whole + 1}" in str(errors[0])
        assert len(errors) == 3 - whole  # The third page can't even be found where the second is cut off.
        assert decode(tmp_path / "cut.tif", IMAGE).mean() == shades[0]


def test_a_poster_is_rendered_with_as_many_pixels_as_allowed(tmp_path):
    pytest.importorskip("pypdfium2")
    PAGES[0].resize((600, 800)).save(tmp_path / "poster.pdf", resolution=10)
    ((_, page),) = read_pictures(tmp_path / "poster.pdf", IMAGE.model_copy(update={"max_pixels": 30_000}))
    assert 25_000 < page.shape[0] * page.shape[1] <= 30_000


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("a.pdf", encrypted_pdf(), "encrypted PDF"),
        ("a.pdf", b"%PDF-1.4\nhalf", "damaged or no PDF"),
        ("a.pdf", b"", "damaged or no PDF"),
        ("a.tif", b"II*\0", "not an image"),
        ("a.jpg", b"", "empty file"),
        ("a.pdf", None, "missing file"),
    ],
)
def test_unusable_files_are_named(tmp_path, name, content, reason):
    if name.endswith("pdf"):
        pytest.importorskip("pypdfium2")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnusableImage) as error:
        list(read_pictures(tmp_path / name, IMAGE))
    assert error.value.reason == reason and str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize("name", ["a.pdf", "a.png"])
def test_a_file_without_permission_is_not_called_damaged(tmp_path, monkeypatch, name):
    def refused(file, *_, **__):
        raise PermissionError(13, "Permission denied", str(file))

    PAGES[0].save(tmp_path / name)
    for opener in ("builtins.open", "io.open"):
        monkeypatch.setattr(opener, refused)
    with pytest.raises(UnusableImage) as caught:
        list(read_pictures(tmp_path / name, IMAGE))
    assert caught.value.reason == "permission denied" and "replace" not in str(caught.value)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path):
    PAGES[0].save(tmp_path / "large.png")
    with pytest.raises(UnusableImage, match="max_pixels"):
        list(read_pictures(tmp_path / "large.png", IMAGE.model_copy(update={"max_pixels": 1000})))


@pytest.mark.parametrize("box", ["0 0 600000000 0.01", "0 0 0.01 600000000"])
def test_a_pdf_that_is_much_longer_than_wide_is_not_rendered(tmp_path, box, monkeypatch):
    pypdfium2 = pytest.importorskip("pypdfium2")
    parts = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    parts += [f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]>>"]
    body = "".join(f"{i} 0 obj{part}endobj\n" for i, part in enumerate(parts, start=1))
    (tmp_path / "long.pdf").write_text(f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size 4>>\n%%EOF")
    rendered = []
    monkeypatch.setattr(pypdfium2.PdfPage, "render", lambda *_, **__: rendered.append(1))
    with pytest.raises(UnusableImage, match="max_pixels"):
        list(read_pictures(tmp_path / "long.pdf", IMAGE))
    assert not rendered

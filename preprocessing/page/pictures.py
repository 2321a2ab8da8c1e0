"""Reads the pages of a file: one of a photo or scan, several of a TIFF or a PDF."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.word_image import IMAGE_ENDINGS, UnusableImage, decode_picture, open_image, pixels_of
from utils.config.image import ImageConfig
from utils.errors import UserError, shorten

PDF = ".pdf"
PAGE_ENDINGS = (*IMAGE_ENDINGS, PDF)
PDF_DPI = 300
INSTALL = "Reading PDF needs the package pypdfium2; run `pip install -r requirements-pages.txt`."


def read_pictures(path: Path, image: ImageConfig) -> Iterator[np.ndarray]:
    """Yields the pages of a file, one after another, uint8 (h, w) or (h, w, 3) RGB; PDFs are rendered at 300 dpi.

    Raises UnusableImage if the file or a page is damaged, encrypted, or larger than `image.max_pixels`.
    """
    if path.suffix.lower() == PDF:
        yield from _read_pdf(path, image)
        return
    with open_image(path, image) as file:
        # Only of a TIFF are further pictures pages: those of other formats are previews or animations.
        for number in range(getattr(file, "n_frames", 1) if file.format == "TIFF" else 1):
            file.seek(number)
            yield pixels_of(file, image, path)


def _read_pdf(path: Path, image: ImageConfig) -> Iterator[np.ndarray]:
    try:
        import pypdfium2
    except ImportError:
        raise UserError(INSTALL) from None
    if not path.is_file():
        raise UnusableImage(path, "missing file", "check the file name")
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnusableImage(path, "encrypted PDF", "save it without its password") from None
        raise UnusableImage(path, "damaged or no PDF", "replace it") from None
    try:
        for number in range(len(document)):
            yield _render(document, number, path, image)
    finally:
        document.close()


def _render(document: Any, number: int, path: Path, image: ImageConfig) -> np.ndarray:
    """Returns the pixels of a PDF's page; `number` counts from 0."""
    import pypdfium2

    name = f"{path}, page {number + 1}"
    scale = PDF_DPI / 72
    try:
        page = document[number]
        width, height = page.get_size()
        # Posters have few pixels per inch: what is too large at 300 dpi is rendered at what fits.
        scale *= min(1.0, (image.max_pixels / max(1.0, width * height * scale**2)) ** 0.5 * 0.999)
        picture = page.render(scale=scale).to_pil()
        page.close()
    except (pypdfium2.PdfiumError, MemoryError, ValueError) as error:
        raise UnusableImage(name, f"damaged page ({shorten(error)})") from None
    return decode_picture(picture, image, name)

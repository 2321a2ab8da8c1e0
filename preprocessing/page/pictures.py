"""Reads the pages of a file: one of a photo or scan, several of a TIFF or a PDF."""

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.image_file import (
    IMAGE_ENDINGS,
    UnusableImage,
    check_pixels,
    decode_picture,
    open_image,
    seek_pages,
    unusable,
)
from utils.config.image import ImageConfig
from utils.errors import UserError, shorten

PDF = ".pdf"
PAGE_ENDINGS = (*IMAGE_ENDINGS, PDF)
PDF_DPI = 300
# The name that eScriptorium gives the picture of a PDF's page.
PDF_PAGE = re.compile(r"(.+\.pdf)_page_([1-9]\d{0,8})\.png", re.IGNORECASE)
INSTALL = (
    "Reading PDF needs the package pypdfium2: install the extra `pages` (pip install seq2seq-ocr[pages]) or, in a "
    "checkout, requirements-pages.txt."
)

ReadPicture = Callable[[], np.ndarray]


def read_pictures(
    path: Path, image: ImageConfig, on_error: Callable[[UnusableImage], None] | None = None, only: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields number (from 1) and pixels of the pages of a file, uint8 (h, w) or (h, w, 3) RGB; PDFs at 300 dpi.

    Damage of a page or of the file, and what is larger than `image.max_pixels` or encrypted, goes to `on_error` as
    UnusableImage; without it that is raised. `only` is the number of the one page that is wanted.
    """
    try:
        for number, read in enumerate(_pages(path, image), start=1):
            if only not in (None, number):
                continue
            try:
                pixels = read()
            except UnusableImage as error:
                error.page = number
                if on_error is None:
                    raise
                on_error(error)
            else:
                yield number, pixels
    except UnusableImage as error:
        if on_error is None:
            raise
        on_error(error)


def has_more_pages(path: Path, image: ImageConfig, number: int = 1) -> bool:
    """Whether a file has more than `number` pages, none of which is decoded; UnusableImage if the file is damaged."""
    return next(itertools.islice(_pages(path, image), number, None), None) is not None


def _pages(path: Path, image: ImageConfig) -> Iterator[ReadPicture]:
    """Yields what reads each page of a file."""
    return _pdf_pages(path, image) if path.suffix.lower() == PDF else _pictures(path, image)


def _pictures(path: Path, image: ImageConfig) -> Iterator[ReadPicture]:
    """Yields what reads each page of an image file."""
    with open_image(path, image) as file:
        for number in seek_pages(file):
            yield functools.partial(decode_picture, file, image, page_title(path, number + 1))


def _pdf_pages(path: Path, image: ImageConfig) -> Iterator[ReadPicture]:
    """Yields what renders each page of a PDF."""
    try:
        import pypdfium2
    except ImportError:
        raise UserError(INSTALL) from None
    if not path.is_file():
        raise UnusableImage(path, "missing file", "check the file name")
    try:
        path.open("rb").close()  # PDFium gives no reason why a file can't be opened.
        document = pypdfium2.PdfDocument(path)
    except OSError as error:
        raise unusable(path, error) from None
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnusableImage(path, "encrypted PDF", "save it without its password") from None
        raise UnusableImage(path, "damaged or no PDF", "replace it") from None
    try:
        for number in range(len(document)):
            yield functools.partial(_render, document, number, path, image)
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
        # Of a page that is much longer than wide, each side is rounded up.
        check_pixels(math.ceil(width * scale), math.ceil(height * scale), name, image)
        picture = page.render(scale=scale).to_pil()
        page.close()
    except (pypdfium2.PdfiumError, MemoryError, ValueError) as error:
        raise UnusableImage(name, f"damaged page ({shorten(error)})") from None
    return decode_picture(picture, image, name)


def page_title(path: str | Path, number: int) -> str:
    """Returns a page's name in messages; `number` counts from 1."""
    return f"{path}, page {number}" if number > 1 else str(path)


def name_of_page(filename: str, number: int) -> str:
    """Returns the name of a page's picture, of a PDF's page the one that eScriptorium gives it."""
    return f"{filename}_page_{number}.png" if filename.lower().endswith(PDF) else filename


def page_of_pdf(name: str) -> tuple[str, int]:
    """Returns the PDF and the page's number in it that `name_of_page` named; "" and 0 if it is no such name."""
    found = PDF_PAGE.fullmatch(name)
    return (found[1], int(found[2])) if found else ("", 0)

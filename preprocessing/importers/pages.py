"""Cuts the lines of a folder of PAGE or ALTO files into pictures of their own."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, write_new
from preprocessing.importers.page_xml import read_page
from preprocessing.labels import Word
from preprocessing.page.layout import Line, Page, Point
from preprocessing.page.strips import cut_strip
from preprocessing.word_image import IMAGE_ENDINGS, UnusableImage, decode, open_image
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.log import progress_bar

MOST_STRETCH = 0.02  # difference between the shapes of a page and of its picture
NOT_PAGES = ("mets.xml", "metadata.xml")  # beside the pages in exports of eScriptorium and Transkribus


def cut_pages(folder: Path, output: Path, image: ImageConfig) -> KeptAndDropped:
    """Writes the lines of all pages below `folder` as pictures to `output`; the page is the lines' document (writer).

    Returns the lines, file names relative to `output`, and the lines or pages that are left out. Raises UserError if
    there is no page, or a file is neither PAGE nor ALTO.
    """
    paths = [path for path in sorted(folder.rglob("*.xml")) if path.name.lower() not in NOT_PAGES]
    if not paths:
        raise UserError(f"{folder} has no .xml files; name the folder that holds PAGE or ALTO files.")
    records: list[LabelledWord] = []
    dropped: list[Dropped] = []
    taken: set[Path] = set()
    for path in progress_bar(paths, desc="Cutting lines", total=len(paths), unit="page"):
        page, name = read_page(path), path.relative_to(folder).with_suffix("").as_posix()
        try:
            pixels = _pixels(path, page, image, taken)
        except UnusableImage as error:
            dropped.append(Dropped(name, page.filename, error.reason))
            continue
        # Pictures are often made smaller after they were transcribed.
        scale = np.array(pixels.shape[1::-1]) / (page.width or pixels.shape[1], page.height or pixels.shape[0])
        for number, line in enumerate(page.lines, start=1):
            filename = f"{name}/{number:03}.png"
            line = _scaled(line, scale)
            if reason := _reason_to_drop(line, pixels.shape):
                dropped.append(Dropped(filename, line.text, reason))
                continue
            write_new(output / filename, _png(cut_strip(pixels, line)))
            records.append(LabelledWord(Word(filename, line.text, name)))
    return records, dropped


def _pixels(path: Path, page: Page, image: ImageConfig, taken: set[Path]) -> np.ndarray:
    """Returns the picture of a page, which is added to those `taken`; raises UnusableImage if there is none to cut."""
    picture = _picture_of(path, page.filename)
    if picture is None:
        raise UnusableImage(page.filename, "missing image")
    if picture.resolve() in taken:  # As in exports that hold each page as PAGE and as ALTO.
        raise UnusableImage(picture, "repeated page")
    taken.add(picture.resolve())
    with open_image(picture, image) as file:
        if file.format == "TIFF" and getattr(file, "n_frames", 1) > 1:
            raise UnusableImage(picture, "several pages in one picture")
    pixels = decode(picture, image)
    height, width = pixels.shape[:2]
    if page.width and page.height and abs(width * page.height / (height * page.width) - 1) > MOST_STRETCH:
        raise UnusableImage(picture, "other shape than its page")
    return pixels


def _picture_of(path: Path, filename: str) -> Path | None:
    """Returns the page's picture, by the name that the file gives, or by its own: beside it or one folder above."""
    whole = filename.replace("\\", "/").lstrip("/")
    name = whole.rsplit("/", 1)[-1]
    folders = (path.parent, path.parent.parent, path.parent.parent / "images")
    names = [whole, name, *(f"{stem}{ending}" for stem in (path.stem, Path(name).stem) for ending in IMAGE_ENDINGS)]
    candidates = (folder / one for one in names if one and ".." not in one.split("/") for folder in folders)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _reason_to_drop(line: Line, shape: tuple[int, ...]) -> str | None:
    """Returns why a line, in pixels of a picture of `shape`, is left out, if it is."""
    if not line.text.strip():
        return "empty label"
    if len(line.polygon) < 3:
        return "no outline"
    (left, top), (right, bottom) = np.min(line.polygon, axis=0), np.max(line.polygon, axis=0)
    return "outside its page" if right <= 0 or bottom <= 0 or left >= shape[1] or top >= shape[0] else None


def _scaled(line: Line, scale: np.ndarray) -> Line:
    """Returns the line with its points multiplied by (x, y)."""
    across, down = map(float, scale)

    def scaled(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple((x * across, y * down) for x, y in points)

    return replace(line, polygon=scaled(line.polygon), baseline=scaled(line.baseline))


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()

"""Cuts the lines of a folder of PAGE or ALTO files into pictures of their own."""

from pathlib import Path

import numpy as np
from PIL import Image

from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord
from preprocessing.importers.page_xml import read_page
from preprocessing.labels import Word
from preprocessing.page.strips import cut_strip
from preprocessing.word_image import IMAGE_ENDINGS, UnusableImage, decode
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import atomic_write
from utils.log import progress_bar

NOT_PAGES = ("mets.xml", "metadata.xml")  # beside the pages in exports of eScriptorium and Transkribus


def cut_pages(folder: Path, output: Path, image: ImageConfig) -> KeptAndDropped:
    """Writes the lines of all pages below `folder` as pictures to `output`; the page is the lines' document (writer).

    Returns the lines, file names relative to `output`, and the lines or pages that are left out. Raises UserError if
    there is no page, or a file is neither PAGE nor ALTO.
    """
    paths = [path for path in sorted(folder.rglob("*.xml")) if path.name.lower() not in NOT_PAGES]
    if not paths:
        raise UserError(f"{folder} has no .xml files; name the folder that holds PAGE or ALTO files.")
    records, dropped = [], []
    for path in progress_bar(paths, desc="Cutting lines", total=len(paths), unit="page"):
        page, name = read_page(path), path.relative_to(folder).with_suffix("").as_posix()
        picture = _picture_of(path, page.filename)
        if picture is None:
            dropped.append(Dropped(name, page.filename, "missing image"))
            continue
        try:
            pixels = decode(picture, image)
        except UnusableImage as error:
            dropped.append(Dropped(name, page.filename, error.reason))
            continue
        for number, line in enumerate(page.lines, start=1):
            filename = f"{name}/{number:03}.png"
            if not line.text.strip():
                dropped.append(Dropped(filename, "", "empty label"))
                continue
            _write(output / filename, cut_strip(pixels, line))
            records.append(LabelledWord(Word(filename, line.text, name)))
    return records, dropped


def _picture_of(path: Path, filename: str) -> Path | None:
    """Returns the page's picture, by the name that the file gives, or by its own: beside it or one folder above."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    folders = (path.parent, path.parent.parent, path.parent.parent / "images")
    names = [name, *(f"{stem}{ending}" for stem in (path.stem, Path(name).stem) for ending in IMAGE_ENDINGS)]
    candidates = (folder / one for one in names if one for folder in folders)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, "PNG")

"""Finds and reads the picture that a PAGE or ALTO file belongs to."""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from preprocessing.image_file import IMAGE_ENDINGS, UnusableImage, decode, open_image
from preprocessing.importers.folders import nfc
from preprocessing.page.layout import PROGRAM, Page
from preprocessing.page.pictures import PDF, has_more_pages, page_of_pdf, read_pictures
from utils.config.image import ImageConfig

MOST_STRETCH = 0.02  # difference between the shapes of a page and of its picture


@dataclass(frozen=True)
class PagePicture:
    """A picture's file, and the number of the page in it; None if it is the only one."""

    path: Path
    number: int | None


def find_picture(path: Path, page: Page, root: Path, pictures: Path | None, image: ImageConfig) -> PagePicture:
    """Returns the picture of the page that the file `path` describes, below the folder `root`.

    It is looked for by the name that the file gives, and by the file's own: in `pictures` and its folders like those of
    the file, beside it and one folder above. Raises UnusableImage if there is none, or the page in it is unknown.
    """
    candidates = _candidates(path, page.filename, root, pictures)
    # Unlike Path.is_file, isfile does not raise on names that no file can have.
    found = next((candidate for candidate in candidates if os.path.isfile(candidate)), None)
    if found is None:
        raise UnusableImage(page.filename, "missing image")
    pdf, number = page_of_pdf(_plain(Path(page.filename).name))
    if _plain(found.name) == pdf:
        return PagePicture(found, number)
    return PagePicture(found, _number(path, found, page, image))


def where_sought(path: Path, page: Page, pictures: Path | None) -> str:
    """Returns a path at which the picture of a page was looked for, and the way out."""
    name = page.filename.replace("\\", "/").rsplit("/", 1)[-1] or f"{path.stem}.png"
    sought = (pictures or path.parent) / name
    return f"looked for {sought}, among others; name the folder of the pages' pictures with --pictures"


def read_picture(picture: PagePicture, page: Page, image: ImageConfig) -> np.ndarray:
    """Returns the pixels of a page; raises UnusableImage if they can't be read, or have another shape than the page."""
    if picture.number is None:
        pixels = decode(picture.path, image, keep_sides=_has_stored_sides(picture.path, page, image))
    else:
        pages = (one for _, one in read_pictures(picture.path, image, only=picture.number))
        if (found := next(pages, None)) is None:
            raise UnusableImage(picture.path, "no such page in its picture")
        pixels = found
    height, width = pixels.shape[:2]
    if page.width and page.height and not _has_shape(page, width, height):
        raise UnusableImage(picture.path, "other shape than its page")
    return pixels


def _has_stored_sides(path: Path, page: Page, image: ImageConfig) -> bool:
    """Whether the page has the shape of its picture before an EXIF rotation, as in files of kraken and OCR-D."""
    with open_image(path, image) as file:
        width, height = file.size
    return bool(page.width and page.height) and _has_shape(page, width, height) and not _has_shape(page, height, width)


def _has_shape(page: Page, width: int, height: int) -> bool:
    return abs(width * page.height / (height * page.width) - 1) <= MOST_STRETCH


def _candidates(path: Path, filename: str, root: Path, pictures: Path | None) -> Iterator[Path]:
    names = [name for given in dict.fromkeys((filename, unquote(filename))) for name in _names(given, path.stem)]
    # A file's name may be in another Unicode form on the disk, as after a Mac has packed or unpacked it.
    names += [unicodedata.normalize(form, name) for form in ("NFC", "NFD") for name in names]
    names = list(dict.fromkeys(one for one in names if one and ".." not in one.split("/")))
    groups = [(path.parent, path.parent.parent, path.parent.parent / "images")]
    if pictures:
        place = path.parent.relative_to(root)
        # The deepest first: every document of an archive may have a 0001.jpg.
        groups.insert(0, (pictures / place, pictures / place.parent, pictures))
    return (folder / one for folders in groups for one in names for folder in folders)


def _names(filename: str, stem: str) -> list[str]:
    """Returns the names that a picture may have: by what a file gives, and by the file's own name without ending."""
    whole = filename.replace("\\", "/").lstrip("/")
    name = whole.rsplit("/", 1)[-1]
    endings = [*IMAGE_ENDINGS, *map(str.upper, IMAGE_ENDINGS)]  # Cameras write capitals.
    return [
        whole,
        name,
        page_of_pdf(name)[0],
        *(f"{one}{ending}" for one in (stem, Path(name).stem) for ending in endings),
    ]


def _plain(name: str) -> str:
    """Returns a file's name in NFC, without percent-encoding."""
    return nfc(unquote(name))


def _number(path: Path, picture: Path, page: Page, image: ImageConfig) -> int | None:
    """Returns the page's number in a file of several, which is in the names of our own exports alone: two-2.xml.

    Where pictures differ in their endings only, an export's name ends in a further number: two-2_3.xml.
    """
    if picture.suffix.lower() != PDF:
        with open_image(picture, image) as file:
            if file.format != "TIFF" or getattr(file, "n_frames", 1) == 1:
                return None  # What other formats hold beside the picture are previews.
    own, stem = _plain(path.stem), re.escape(_plain(picture.stem))
    if own == _plain(picture.stem):
        return 1
    if numbered := re.fullmatch(rf"{stem}-([1-9]\d*)", own):
        return int(numbered[1])
    copied = re.fullmatch(rf"{stem}(?:-([1-9]\d*))?_[1-9]\d*", own)
    if copied and page.creator.startswith(PROGRAM):
        return int(copied[1] or 1)
    if not has_more_pages(picture, image):
        return 1
    raise UnusableImage(picture, "several pages in one picture")

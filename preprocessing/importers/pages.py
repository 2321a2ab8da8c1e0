"""Cuts the lines of PAGE or ALTO files into pictures of their own."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from preprocessing.image_file import UnusableImage
from preprocessing.importers.folders import files_ending
from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, write_new
from preprocessing.importers.page_pictures import PagePicture, find_picture, read_picture, where_sought
from preprocessing.importers.page_xml import OtherKind, read_page
from preprocessing.labels import Word
from preprocessing.page.layout import CORRECTED, PROGRAM, Line, Page, Point
from preprocessing.page.strips import cut_strip
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.log import log, progress_bar

NOT_PAGES = ("mets.xml", "metadata.xml")  # beside the pages in exports of eScriptorium and Transkribus
LEAST_SIDE = 3  # pixels of a line's outline
MOST_BEYOND = 1.5  # of the page's longer side, a line's length with what lies outside


def cut_pages(
    source: Path, output: Path, image: ImageConfig, pictures: Path | None = None, follow_links: bool = False
) -> KeptAndDropped:
    """Writes the lines of a page's file, or of all below a folder, as pictures to `output`.

    The page is the lines' document (writer). XML files of another kind are left out and named on stderr.

    Args:
        pictures: folder of the pages' pictures, if they are elsewhere than beside their files.
        follow_links: whether linked folders are searched for pages, too.

    Returns:
        The lines, file names relative to `output`, and the lines or pages that are left out.

    Raises UserError, before anything is written, if there is no page or one is malformed.
    """
    root = source if source.is_dir() else source.parent
    pages = _pages(source, follow_links)
    found = {path: _picture(path, page, root, pictures, image) for path, page in pages.items()}
    chosen = _chosen(pages, found)
    records: list[LabelledWord] = []
    dropped: list[Dropped] = []
    for path, page in progress_bar(pages.items(), desc="Cutting lines", total=len(pages), unit="page"):
        name, picture = path.relative_to(root).with_suffix("").as_posix(), found[path]
        try:
            if isinstance(picture, UnusableImage):
                raise picture
            if path not in chosen:
                raise UnusableImage(picture.path, "repeated page")
            pixels = read_picture(picture, page, image)
        except UnusableImage as error:
            hint = where_sought(path, page, pictures) if error.reason == "missing image" else ""
            dropped.append(Dropped(name, page.filename, error.reason, hint))
            continue
        for filename, line, reason in _lines(page, pixels, name):
            if reason:
                dropped.append(Dropped(filename, line.text, reason))
                continue
            write_new(output / filename, _png(cut_strip(pixels, line)))
            records.append(LabelledWord(Word(filename, line.text, name)))
    return records, dropped


def _pages(source: Path, follow_links: bool) -> dict[Path, Page]:
    """Returns the pages by their files, all of them before one is cut: a malformed one stops no half-done import."""
    paths = [source] if source.is_file() else list(files_ending(source, ".xml", follow_links))
    paths = [path for path in paths if path.name.lower() not in NOT_PAGES]
    if not paths:
        raise UserError(f"{source} has no .xml files; name the folder that holds PAGE or ALTO files.")
    pages: dict[Path, Page] = {}
    others: dict[Path, OtherKind] = {}
    for path in paths:
        try:
            pages[path] = read_page(path)
        except OtherKind as error:
            others[path] = error
    if not pages:
        raise others[paths[0]]
    if others:
        log(f"XML files that are neither PAGE nor ALTO are left out: {len(others)}, such as {next(iter(others))}.")
    if predicted := [path for path, page in pages.items() if page.predicted]:
        number = sum(page.predicted for page in pages.values())
        log(f"Lines with texts of index 1 or more only, in LAREX predictions: {number}, such as in {predicted[0]}.")
    return pages


def _picture(
    path: Path, page: Page, root: Path, pictures: Path | None, image: ImageConfig
) -> PagePicture | UnusableImage:
    """Returns the picture of a page, or why there is none."""
    try:
        return find_picture(path, page, root, pictures, image)
    except UnusableImage as error:
        return error


def _chosen(pages: dict[Path, Page], found: dict[Path, PagePicture | UnusableImage]) -> set[Path]:
    """Returns, of the files that describe one picture, the corrected one, then that with most lines of text.

    Exports hold a page as PAGE and as ALTO, whose lines may be boxes, or also as it was before it was transcribed. What
    this program has read is corrected in another: its own file counts least of those with text.
    """
    files: dict[PagePicture, list[Path]] = {}
    for path, picture in found.items():
        if isinstance(picture, PagePicture):
            files.setdefault(replace(picture, path=picture.path.resolve()), []).append(path)

    def rank(path: Path) -> tuple[bool, bool, bool, int, int]:
        lines = [line for line in pages[path].lines if line.text.strip()]
        creator, baselines = pages[path].creator, sum(bool(line.baseline) for line in lines)
        return bool(lines), creator == CORRECTED, creator != PROGRAM, len(lines), baselines

    chosen = {max(paths, key=rank): paths for paths in files.values()}
    texts = {path: {line.text for line in pages[path].lines} - {""} for path in pages}
    differing = [
        (path, other) for path, paths in chosen.items() for other in paths if texts[other] not in (set(), texts[path])
    ]
    if differing:
        path, other = differing[0]
        log(f"Files with other texts than the one taken for their page: {len(differing)}; taken: {path}, not {other}.")
    return set(chosen)


def _lines(page: Page, pixels: np.ndarray, name: str) -> Iterator[tuple[str, Line, str | None]]:
    """Yields file name, line in pixels of the picture, and why it is left out, if it is."""
    # Pictures are often made smaller after they were transcribed.
    scale = np.array(pixels.shape[1::-1]) / (page.width or pixels.shape[1], page.height or pixels.shape[0])
    for number, line in enumerate(page.lines, start=1):
        line = _scaled(line, scale)
        yield f"{name}/{number:03}.png", line, _reason_to_drop(line, pixels.shape)


def _reason_to_drop(line: Line, shape: tuple[int, ...]) -> str | None:
    """Returns why a line, in pixels of a picture of `shape`, is left out, if it is."""
    if not line.text.strip():
        return "empty label"
    if len(line.polygon) < 3:
        return "no outline"
    (left, top), (right, bottom) = np.min(line.polygon, axis=0), np.max(line.polygon, axis=0)
    if right <= 0 or bottom <= 0 or left >= shape[1] or top >= shape[0]:
        return "outside its page"
    if np.ptp([*line.polygon, *line.baseline], axis=0).max() > MOST_BEYOND * max(shape[:2]):
        return "outline far beyond its page"
    # A point or a stroke: nothing could be read in its strip.
    _, sides, _ = cv2.minAreaRect(np.array(line.polygon, np.float32))
    return "outline without area" if min(sides) < LEAST_SIDE else None


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

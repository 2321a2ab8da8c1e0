"""Runs the `--predict --page` job."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from base.base_predictor import is_doubtful
from predictors.image_files import find_images
from predictors.loading import configured_predictor
from predictors.page_formats.text import to_text
from predictors.page_output import OverlayFolder, PageOutput
from predictors.pages import PageReader
from preprocessing.image_file import UnusableImage
from preprocessing.page.layout import Page
from preprocessing.page.pictures import PAGE_ENDINGS, page_title, read_pictures
from utils.config.image import ImageConfig
from utils.config.schema import Config
from utils.log import log, print_result, progress_bar


def predict_pages(
    config: Config,
    patterns: list[str],
    output: str | None,
    xml_format: str,
    overlay: str | None,
    min_confidence: float | None,
) -> int:
    """Reads pages and prints their text, an empty line between two; returns the exit code, 2 if a file was unusable.

    `output` is a .txt, .json, .xml or .hocr file, `overlay` a folder for pictures with the text that was read; lines
    and words below `min_confidence` are marked in both. After an interruption the finished pages are in `output`.
    """
    paths = find_images(patterns, PAGE_ENDINGS)
    pages = PageOutput(output, xml_format, min_confidence, paths) if output else None
    pictures = OverlayFolder(overlay, min_confidence, paths) if overlay else None
    predictor = configured_predictor(config)
    reader = PageReader(predictor)
    failed: list[Path] = []
    is_first, is_finished = True, False
    try:
        for path, number, pixels in _pictures(paths, predictor.spec.image, failed):
            page = reader.read(pixels, str(path), number)
            if not is_first:
                print_result("")
            is_first = False
            _print(page, min_confidence)
            if pages:
                pages.add(page)
            if pictures:
                pictures.add(pixels, page)
        is_finished = True
    finally:
        if pages:
            pages.close(is_finished)
    if failed and len(paths) > 1:
        log(f"{len(failed)} of {len(paths)} files could not be read.")
    return 2 if failed else 0


def _pictures(paths: list[Path], image: ImageConfig, failed: list[Path]) -> Iterator[tuple[Path, int, np.ndarray]]:
    """Yields file, number and pixels of each page; unusable files are reported and added to `failed`."""
    for path in progress_bar(paths, desc="Reading", total=len(paths), unit="file", disable=len(paths) < 2, leave=False):
        errors: list[UnusableImage] = []
        for number, pixels in read_pictures(path, image, errors.append):
            yield path, number, pixels
        if errors:
            failed.append(path)
        for unusable in errors:
            log(str(unusable))


def _print(page: Page, min_confidence: float | None) -> None:
    name = page_title(page.filename, page.number)
    if not page.lines:
        log(f"{name}: no text found.")
        return
    print_result(to_text([page]).rstrip("\n"))
    if min_confidence is not None:
        doubtful = sum(is_doubtful(word.confidence, min_confidence) for line in page.lines for word in line.words)
        log(f"{name}: {doubtful} of {sum(len(line.words) for line in page.lines)} words are doubtful.")

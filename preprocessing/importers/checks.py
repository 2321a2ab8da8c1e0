"""Finds the words that can't be trained on: bad labels and unusable image files."""

import posixpath
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from preprocessing.importers.labelled_word import (
    DUPLICATE,
    EMPTY_FILE,
    EMPTY_LABEL,
    IMAGE_TOO_LARGE,
    LABEL_TOO_LONG,
    MISSING_IMAGE,
    OUTSIDE_FOLDER,
    UNREADABLE_IMAGE,
    Dropped,
    LabelledWord,
)
from preprocessing.word_image import UnusableImage, decode
from utils.config.image import ImageConfig
from utils.files import is_inside
from utils.log import progress_bar

IMAGE = ImageConfig()


def drop_bad_labels(
    records: list[LabelledWord], max_length: int | None = None
) -> tuple[list[LabelledWord], list[Dropped]]:
    """Sorts out empty labels, labels of more than `max_length` code points and repeated files."""
    kept, dropped, seen = [], [], set()
    for record in records:
        word = record.word
        name = posixpath.normpath(word.filename)
        reason = None
        if not word.label.strip():
            reason = EMPTY_LABEL
        elif max_length is not None and len(word.label) > max_length:
            reason = LABEL_TOO_LONG
        elif name in seen:
            reason = DUPLICATE  # in two splits it would be a leak
        if reason is None:
            seen.add(name)
            kept.append(record)
        else:
            dropped.append(Dropped(word.filename, word.label, reason))
    return kept, dropped


def drop_bad_images(
    records: list[LabelledWord], folder: Path, workers: int, image: ImageConfig = IMAGE
) -> tuple[list[LabelledWord], list[Dropped]]:
    """Reads every image in `workers` threads and sorts out the words whose image is unusable."""
    kept, dropped = [], []
    pool = ThreadPoolExecutor(workers)

    def problem(path: Path) -> str | None:
        return image_problem(path, image) if is_inside(path, folder) else OUTSIDE_FOLDER

    try:
        problems = pool.map(problem, [folder / record.word.filename for record in records])
        progress = progress_bar(problems, total=len(records), desc="Checking images", unit="", disable=None)
        for record, reason in zip(records, progress):
            if reason is None:
                kept.append(record)
            else:
                dropped.append(Dropped(record.word.filename, record.word.label, reason))
    finally:
        # On Ctrl-C the files still queued are not read.
        pool.shutdown(cancel_futures=True)
    return kept, dropped


def image_problem(path: str | Path, image: ImageConfig = IMAGE) -> str | None:
    """Returns why training could not read the file, as a reason of `labelled_word.py`; None if it can.

    The image is decoded as in training, and refused by its header if it has more than
    `image.max_pixels` pixels.
    """
    try:
        decode(path, image)
    except UnusableImage as error:
        if "max_pixels" in error.reason:
            return IMAGE_TOO_LARGE
        return {"missing file": MISSING_IMAGE, "empty file": EMPTY_FILE}.get(error.reason, UNREADABLE_IMAGE)
    return None

"""Drops words that can't be trained on: bad labels, unusable image files and bad segmentation."""

import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from preprocessing.image_file import PASSING, UnusableImage, decode
from preprocessing.importers.labelled_word import KeptAndDropped, LabelledWord, drop
from preprocessing.labels import is_usable_name
from utils.config.image import ImageConfig
from utils.files import is_inside
from utils.log import progress_bar
from utils.parallel import ordered_map

AHEAD = 64  # images that may wait for their turn
OUTSIDE_FOLDER = "link out of the folder (--follow_links takes it)"


def drop_bad_labels(records: list[LabelledWord], max_length: int | None = None) -> KeptAndDropped:
    """Drops empty labels, labels of several lines or more than `max_length` code points, and repeated files.

    Also files whose name no labels file may hold, such as one that is not in UTF-8.
    """

    def reasons() -> Iterator[str | None]:
        seen: set[str] = set()
        for word in (record.word for record in records):
            name = posixpath.normpath(word.filename)
            if not is_usable_name(word.filename):
                yield "unusable filename"
            elif not word.label.strip():
                yield "empty label"
            elif "\n" in word.label or "\r" in word.label:
                yield "several lines"  # a picture of one line does not show them
            elif max_length is not None and len(word.label) > max_length:
                yield "label too long"
            elif name in seen:
                yield "repeated filename"  # in two splits it would be a leak
            else:
                seen.add(name)
                yield None

    return drop(records, reasons())


def drop_bad_images(
    records: list[LabelledWord], folder: Path, workers: int, image: ImageConfig, follow_links: bool = False
) -> KeptAndDropped:
    """Reads every image in `workers` threads and drops the words whose image is unusable.

    Links that lead out of `folder` are unusable unless `follow_links`.
    """

    def problem(path: Path) -> str | None:
        return image_problem(path, image) if follow_links or is_inside(path, folder) else OUTSIDE_FOLDER

    paths = (folder / record.word.filename for record in records)
    problems = ordered_map(problem, paths, ThreadPoolExecutor(workers), ahead=AHEAD)
    return drop(records, progress_bar(problems, total=len(records), desc="Checking images", unit="", disable=None))


def drop_bad_segmentation(records: list[LabelledWord], keep: bool) -> KeptAndDropped:
    """Drops, unless `keep`, the words that IAM flags as badly segmented; five in six of them are good."""
    return drop(records, (None if keep or record.segmented else "segmentation err" for record in records))


def image_problem(path: str | Path, image: ImageConfig) -> str | None:
    """Returns why training, which decodes the file in the same way, could not read it; None if it can.

    Raises UnusableImage if the reason lies in the system and may be gone the next time.
    """
    try:
        decode(path, image)
    except UnusableImage as error:
        if "max_pixels" in error.reason:
            return "image too large"
        if error.reason in PASSING:
            raise
        known = {"missing file": "missing image", "empty file": "empty file"}
        return known.get(error.reason, f"unreadable image: {error.reason}")
    return None

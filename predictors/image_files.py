"""Resolves the arguments of --filename to image files."""

import glob
import os
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from preprocessing.image_file import IMAGE_ENDINGS
from preprocessing.importers.folders import listings
from utils.errors import UserError
from utils.log import log


def find_images(patterns: Iterable[str], endings: Collection[str] = IMAGE_ENDINGS) -> list[Path]:
    """Returns files, all images in folders, and all matches of globs, each once, in the given order.

    `endings` are the file extensions of images, in lower case.

    Hidden files and folders in folders are skipped: some systems keep metadata about images there (`._word.png`). Other
    files that are not images are counted in the log. Raises UserError if a pattern matches nothing, or a folder can't
    be listed.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        # Unlike Path's tests, these don't raise on names that no file can have.
        names = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
        found = [path for name in names for path in _images_at(Path(name), endings)]
        if not found:
            raise UserError(f"--filename {pattern} names no image file; give a file, a folder with images or a glob.")
        paths.update(dict.fromkeys(found))
    return list(paths)


def _images_at(path: Path, endings: Collection[str]) -> list[Path]:
    if not os.path.isdir(path):
        return [path]
    files = [folder / name for folder, names in listings(path) for name in names]
    others = Counter(file.suffix.lower() or file.name for file in files if file.suffix.lower() not in endings)
    if others:
        counted = ", ".join(f"{number} {ending}" for ending, number in sorted(others.items()))
        log(f"{path} also holds files that are no images, which are not read: {counted}.")
    return sorted(file for file in files if file.suffix.lower() in endings)

"""Resolves the arguments of --filename to image files."""

import glob
import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from preprocessing.image_file import IMAGE_ENDINGS
from preprocessing.importers.folders import listings
from utils.errors import UserError
from utils.log import log


def find_images(patterns: Sequence[str], endings: Collection[str] = IMAGE_ENDINGS) -> list[Path]:
    """Returns files, and all images in folders and among the matches of globs, each once, in the given order.

    `endings` are the file extensions of images, in lower case; a file that is named itself may have another.

    Hidden files and folders in folders are skipped: some systems keep metadata about images there (`._word.png`). Other
    files that are not images are counted in the log. Raises UserError if a pattern matches no image, or a folder can't
    be listed.
    """
    # Unlike Path's tests, those of os.path don't raise on names that no file can have.
    named = {pattern for pattern in patterns if os.path.exists(pattern) and not os.path.isdir(pattern)}
    paths: dict[Path, None] = {}
    counted = {Path(name) for name in named}
    for pattern in patterns:
        files = _files_of(pattern)
        found = files if pattern in named else [file for file in files if file.suffix.lower() in endings]
        others = set(files).difference(found, counted)
        _log_others(pattern, others)
        counted |= others
        if not found:
            raise UserError(f"--filename {pattern} names no image file; give a file, a folder with images or a glob.")
        paths.update(dict.fromkeys(found))
    return list(paths)


def _files_of(pattern: str) -> list[Path]:
    """Returns the file or those in the folder of this name; else those that a glob matches or that its folders hold."""
    names = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
    return [file for name in names for file in (_files_in(Path(name)) if os.path.isdir(name) else [Path(name)])]


def _files_in(folder: Path) -> list[Path]:
    return sorted(path / name for path, names in listings(folder) for name in names)


def _log_others(pattern: str, files: Collection[Path]) -> None:
    """Logs how many files are not read, for their endings are not those of images."""
    if files:
        endings = Counter(file.suffix.lower() or file.name for file in files)
        numbers = ", ".join(f"{number} {ending}" for ending, number in sorted(endings.items()))
        log(f"{pattern} also holds files that are no images, which are not read: {numbers}.")

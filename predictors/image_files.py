"""Resolves the arguments of --filename to image files."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from utils.errors import UserError

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm")


def find_images(patterns: Iterable[str]) -> list[Path]:
    """Files, all images in folders, and what globs match, each once, in the given order.

    Hidden files in folders are skipped: some systems keep notes about images there (`._word.png`). Raises UserError if
    a pattern matches nothing.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        # Unlike Path's tests, these don't raise on names that no file can have.
        names = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
        found = [path for name in names for path in _images_at(Path(name))]
        if not found:
            raise UserError(f"--filename {pattern} names no image file; give a file, a folder with images or a glob.")
        paths.update(dict.fromkeys(found))
    return list(paths)


def _images_at(path: Path) -> list[Path]:
    if not os.path.isdir(path):
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in IMAGE_ENDINGS and not file.name.startswith(".") and not file.is_dir()
    )

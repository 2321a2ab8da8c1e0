"""The cache of decoded, scaled, un-augmented images: image files are read once, epochs read a store.

A cache is found again by a fingerprint of everything it depends on: names, sizes and times of the image
    files, and
the image geometry.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from data_generators.image_store import FORMAT, SUFFIXES, ImageStore, open_store, write_store
from preprocessing.word_image import UnusableImage, read_word_image
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import is_inside, remove_stale
from utils.log import progress_bar
from utils.parallel import ordered_map

MAX_BUILDS = 3
OUTSIDE_FOLDER = "link that leads out of images_folder"


def open_cache(
    folder: Path, filenames: Sequence[str], image: ImageConfig, cache: Path, name: str, owner: str = ""
) -> ImageStore:
    """Opens the decoded images of `filenames` (relative to `folder`), decoding them if needed.

    Args:
        cache: folder of the cache files.
        name: what the images are, for the progress bar, such as `train`.
        owner: source of the list, such as a labels file; only older caches of the same owner are removed.

    Raises:
        UserError: the cache can't be written or read.
    """
    purpose = _digest([str(folder.resolve()), name, owner, image.model_dump(), FORMAT])
    content = _digest([purpose, _fingerprints(folder, filenames)])
    base = cache / f"{name}-{purpose[:12]}-{content[:12]}"
    for _ in range(MAX_BUILDS):
        store = open_store(base)
        if store is not None and len(store) == len(filenames):
            return store
        _build(folder, filenames, image, base, name)
        _remove_outdated(cache, f"{name}-{purpose[:12]}-", keep=base.name)
        # Another process, with other words of the same name, may remove it before it is opened.
    raise UserError(f"The cache {base} is removed as soon as it is written; set a cache_folder of your own.")


def read_inside(folder: Path, filename: str, image: ImageConfig):
    """The word image of a file that lies in `folder` itself, or the reason why it is unusable."""
    if not is_inside(folder / filename, folder):
        return OUTSIDE_FOLDER
    try:
        return read_word_image(folder / filename, image)
    except UnusableImage as error:
        return error.reason


def _build(folder: Path, filenames: Sequence[str], image: ImageConfig, base: Path, name: str) -> None:
    images = ordered_map(
        lambda filename: read_inside(folder, filename, image), filenames, threads=2, ahead=64
    )
    with progress_bar(images, desc=f"Decoding {name} images", total=len(filenames), unit="word") as bar:
        write_store(base, (("", content) for content in bar), image)


def _fingerprints(folder: Path, filenames: Sequence[str]) -> list:
    """Name, size and times of change (of content and permissions) of each file; of a missing one the name."""
    prints: list[tuple] = []
    for filename in filenames:
        try:
            status = (folder / filename).stat()
            prints.append((filename, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        except OSError:
            prints.append((filename,))
    return prints


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _remove_outdated(cache: Path, prefix: str, keep: str) -> None:
    """Deletes caches of the same images in an earlier state; open ones stay readable until closed."""
    for path in cache.glob(f"{prefix}*"):
        if path.name.endswith(SUFFIXES) and not path.name.startswith(f"{keep}."):
            path.unlink(missing_ok=True)
    remove_stale(cache, prefix.rstrip("-"))

"""The cache of decoded, scaled, un-augmented images, so that image files are read only once.

A cache is identified by a hash of all it depends on: the image geometry, the code and libraries that make it, and
names, sizes and times of the image files.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import PIL

from data_generators.damage import damage
from data_generators.image_folder import ImageFolder
from data_generators.image_store import FORMAT, SUFFIXES, ImageStore, open_store, write_store
from preprocessing.image_file import PASSING, decode
from preprocessing.ink import ink_mask
from preprocessing.normaliser import normalise
from preprocessing.rulings import remove_rulings
from preprocessing.word_image import to_network_geometry
from preprocessing.writing import skew
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import check_writable, remove_stale
from utils.log import progress_bar
from utils.parallel import ordered_map
from utils.system import usable_cores

MAX_BUILDS = 3


def open_cache(
    images: ImageFolder,
    filenames: Sequence[str],
    image: ImageConfig,
    cache: Path,
    name: str,
    owner: str = "",
    copy: int = 0,
) -> ImageStore:
    """Opens the decoded images of `filenames`, decoding them if needed.

    `cache` is the folder of the cache files, `name` that of the images in the progress bar, such as `train`. Only older
    caches of the same `owner`, such as a labels file, are removed. `copy` is the number of a damaged copy of the images
    (0: the images themselves). Raises UserError if the cache is unusable.
    """
    links = ["follow_links"] if images.follow_links else []
    purpose = _digest([str(images.path.resolve()), name, owner, image.model_dump(), FORMAT, copy, *links])
    content = _digest([purpose, code_digest(), [_fingerprint(images.path, filename) for filename in filenames]])
    prefix = f"{name}-{purpose[:12]}-"
    base = cache / f"{prefix}{content[:12]}"
    read = functools.partial(images.read, image=image, copy=copy)
    for built in range(MAX_BUILDS):
        store = open_store(base)
        if (
            store is not None
            and len(store) == len(filenames)
            and (built or PASSING.isdisjoint(store.problems.values()))
        ):
            return store
        _check_writable(base)
        desc = f"Damaging {name} images, copy {copy}" if copy else f"Decoding {name} images"
        _build(read, filenames, image, base, desc)
        _remove_outdated(cache, prefix, keep=base.name)
        # A process with another list of the same name may remove it before it is opened.
    raise UserError(f"The cache {base} is removed as soon as it is written; set a cache_folder of your own.")


def _check_writable(base: Path) -> None:
    try:
        check_writable(base)
    except UserError as error:
        raise UserError(f"{str(error).rstrip('.')}; set cache_folder to a folder that you can write.") from None


def _build(
    read: Callable[[str], np.ndarray | str], filenames: Sequence[str], image: ImageConfig, base: Path, desc: str
) -> None:
    pool = ThreadPoolExecutor(usable_cores())
    images = ordered_map(read, filenames, pool, ahead=64)
    with progress_bar(images, desc=desc, total=len(filenames), unit="word") as bar:
        write_store(base, (("", pixels) for pixels in bar), image)


def _fingerprint(folder: Path, filename: str) -> tuple:
    """Returns name, size and times of change (of content and permissions); of a missing file the name."""
    try:
        status = (folder / filename).stat()
    except OSError:
        return (filename,)
    return filename, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@functools.cache
def code_digest() -> str:
    """Returns a hash of what makes word images of files, code and libraries: it changes pixels, but not the config."""
    makers = (ImageFolder, damage, decode, to_network_geometry, normalise, remove_rulings, ink_mask, skew)
    files = sorted({inspect.getfile(maker) for maker in makers})
    versions = f"{cv2.__version__} {PIL.__version__} {find_spec('pillow_heif') is not None}"
    return hashlib.sha256(b"".join([versions.encode(), *(Path(file).read_bytes() for file in files)])).hexdigest()


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _remove_outdated(cache: Path, prefix: str, keep: str) -> None:
    """Deletes caches of the same images in an earlier state; open ones stay readable until closed."""
    for path in cache.glob(f"{prefix}*"):
        if path.name.endswith(SUFFIXES) and not path.name.startswith(f"{keep}."):
            path.unlink(missing_ok=True)
    remove_stale(cache, prefix.rstrip("-"))

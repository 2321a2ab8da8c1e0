"""The cache of decoded, scaled, un-augmented images, so that image files are read only once.

A cache is identified by a hash of all it depends on: the image geometry, the code and libraries that make it, and
names, sizes and times of the image files.
"""

import functools
import hashlib
import inspect
import json
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import PIL

from data_generators.damage import damage
from data_generators.image_store import FORMAT, SUFFIXES, ImageStore, open_store, write_store
from preprocessing.image_file import PASSING, UnusableImage, decode
from preprocessing.ink import ink_mask
from preprocessing.normaliser import halve_large, normalise
from preprocessing.rulings import remove_rulings
from preprocessing.word_image import to_network_geometry
from preprocessing.writing import skew
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import check_writable, is_inside, remove_stale
from utils.log import progress_bar
from utils.parallel import ordered_map
from utils.system import usable_cores

MAX_BUILDS = 3
OUTSIDE_FOLDER = "link that leads out of images_folder (follow_links is false)"


def open_cache(
    folder: Path,
    filenames: Sequence[str],
    image: ImageConfig,
    cache: Path,
    name: str,
    owner: str = "",
    copy: int = 0,
    follow_links: bool = False,
) -> ImageStore:
    """Opens the decoded images of `filenames` (relative to `folder`), decoding them if needed.

    `cache` is the folder of the cache files, `name` that of the images in the progress bar, such as `train`. Only older
    caches of the same `owner`, such as a labels file, are removed. `copy` is the number of a damaged copy of the images
    (0: the images themselves). Images may be links out of `folder` only with `follow_links`. Raises UserError if the
    cache is unusable.
    """
    links = ["follow_links"] if follow_links else []
    purpose = _digest([str(folder.resolve()), name, owner, image.model_dump(), FORMAT, copy, *links])
    content = _digest([purpose, code_digest(), [_fingerprint(folder, filename) for filename in filenames]])
    prefix = f"{name}-{purpose[:12]}-"
    base = cache / f"{prefix}{content[:12]}"
    read = functools.partial(read_inside, folder, image=image, copy=copy, follow_links=follow_links)
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


def read_inside(
    folder: Path, filename: str, image: ImageConfig, copy: int = 0, follow_links: bool = False
) -> np.ndarray | str:
    """Returns the word image of a file within `folder`, or of a damaged copy, or the reason why it is unusable."""
    pixels = decode_inside(folder, filename, image, follow_links)
    if isinstance(pixels, str):
        return pixels
    if copy:
        rng = np.random.default_rng([copy, zlib.crc32(filename.encode())])
        pixels = damage(halve_large(pixels), rng)
    return to_network_geometry(pixels, image)


def decode_inside(folder: Path, filename: str, image: ImageConfig, follow_links: bool) -> np.ndarray | str:
    """Returns the pixels of a file within `folder`, as `decode`, or the reason why it is unusable."""
    if not follow_links and not is_inside(folder / filename, folder):
        return OUTSIDE_FOLDER
    try:
        return decode(folder / filename, image)
    except UnusableImage as error:
        return error.reason


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
    makers = (damage, decode, to_network_geometry, normalise, remove_rulings, ink_mask, skew)
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

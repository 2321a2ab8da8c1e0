"""Decoded, scaled, un-augmented word images in one file.

Image files are read once; epochs then read pixels straight from the page cache, and memory
doesn't grow with the dataset. The file is found again by a fingerprint of everything it depends
on: names, sizes and times of the image files, and the image geometry.

The file is read piece by piece, not mapped: where a mapped file is cut short or its network storage goes
away, the system kills the process without a word.
"""

import hashlib
import json
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from preprocessing.word_image import UnusableImage, read_word_image
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import atomic_write, is_inside, remove_stale, write_json
from utils.log import progress_bar

FORMAT_VERSION = 2
MAX_BUILDS = 3
OUTSIDE_FOLDER = "link that leads out of images_folder"


class PixelFile:
    """The pixels of all images, one after the other, for any number of reading threads.

    `pixels[start:end]` is uint8 (end - start,), read-only; it raises UserError if the file has been cut
    short or its storage has gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.lock = threading.Lock()
        weakref.finalize(self, os.close, self.handle)

    def __getitem__(self, part: slice) -> np.ndarray:
        start, size = int(part.start), int(part.stop - part.start)
        try:
            with self.lock:
                os.lseek(self.handle, start, os.SEEK_SET)
                content = os.read(self.handle, size)
            reason = "it has been changed"
        except OSError as error:
            content, reason = b"", error.strerror or str(error)
        if len(content) != size:
            raise UserError(
                f"Can't read the cache {self.path}: {reason}; the same command makes it anew and goes on."
            )
        return np.frombuffer(content, np.uint8)


@dataclass(frozen=True)
class ImageStore:
    """Word images by index.

    Attributes:
        pixels: of all images, one after the other.
        offsets: int64 (n + 1,), where each image starts.
        problems: index of an unusable file -> why; such an image is empty (width 0).
        height, channels: of every image.
    """

    pixels: PixelFile | np.ndarray
    offsets: np.ndarray
    problems: dict[int, str]
    height: int
    channels: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def widths(self) -> np.ndarray:
        """int64 (n,), in pixels."""
        return np.diff(self.offsets) // (self.height * self.channels)

    def __getitem__(self, index: int) -> np.ndarray:
        """uint8 (height, width) or (height, width, 3), read-only."""
        flat = self.pixels[self.offsets[index] : self.offsets[index + 1]]
        shape = (self.height, -1) if self.channels == 1 else (self.height, -1, self.channels)
        return flat.reshape(shape)


class JoinedStore:
    """Several stores as one: the images of the first, then those of the second, ..."""

    def __init__(self, stores: Sequence["ImageStore | JoinedStore"]) -> None:
        self.stores = stores
        self.starts = np.cumsum([0] + [len(store) for store in stores])

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def widths(self) -> np.ndarray:
        """int64 (n,), in pixels."""
        return np.concatenate([store.widths for store in self.stores])

    def __getitem__(self, index: int) -> np.ndarray:
        part = int(np.searchsorted(self.starts, index, side="right")) - 1
        return self.stores[part][index - self.starts[part]]


def open_store(
    folder: Path, filenames: Sequence[str], image: ImageConfig, cache: Path, name: str, owner: str = ""
) -> ImageStore:
    """Opens the decoded images of `filenames` (relative to `folder`), decoding them if need be.

    Args:
        cache: folder of the cache files.
        name: what the images are, for the progress bar, such as `train`.
        owner: what the list is from, such as a labels file; only older caches of the same owner are removed.

    Raises:
        UserError: the cache can't be written or read.
    """
    purpose = _digest([str(folder.resolve()), name, owner, image.model_dump(), FORMAT_VERSION])
    content = _digest([purpose, _fingerprints(folder, filenames)])
    base = cache / f"{name}-{purpose[:12]}-{content[:12]}"
    for _ in range(MAX_BUILDS):
        store = _load(base, len(filenames), image)
        if store is not None:
            return store
        _build(folder, filenames, image, base, name)
        _remove_outdated(cache, f"{name}-{purpose[:12]}-", keep=base.name)
        # Another process, with other words of the same name, may remove it before it is opened.
    raise UserError(f"The cache {base} does not stay; set a cache_folder of your own.")


def ordered_map(
    function: Callable, items: Iterable, threads: int, ahead: int, executor: Executor | None = None
) -> Iterator:
    """`map` by threads, results in order, at most `ahead` of them waiting: constant memory.

    Args:
        executor: does the work instead of threads, and is shut down at the end.
    """
    with executor or ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _load(base: Path, number: int, image: ImageConfig) -> ImageStore | None:
    """Opens the cache at `base`; None if there is none or it is not what `_build` has written."""
    pixel_file = base.with_suffix(".pixels")
    try:
        index = json.loads(base.with_suffix(".json").read_text(encoding="utf-8"))
        offsets = np.concatenate([[0], np.cumsum(index["sizes"], dtype=np.int64)])
        problems = {int(key): reason for key, reason in index["problems"].items()}
        if len(index["sizes"]) != number or pixel_file.stat().st_size != offsets[-1]:
            return None
        pixels = PixelFile(pixel_file)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    except OSError as error:
        raise UserError(f"Can't read the cache {base}: {error.strerror}; set cache_folder.") from None
    return ImageStore(pixels, offsets, problems, image.image_size.y_size, image.image_size.num_channels)


def _build(folder: Path, filenames: Sequence[str], image: ImageConfig, base: Path, name: str) -> None:
    """Decodes all files; the index is written last, so a cache without it counts as none."""
    cv2.setNumThreads(1)

    def read(filename: str) -> np.ndarray | str:
        if not is_inside(folder / filename, folder):
            return OUTSIDE_FOLDER
        try:
            return read_word_image(folder / filename, image)
        except UnusableImage as error:
            return error.reason

    sizes, problems = [], {}
    with atomic_write(base.with_suffix(".pixels")) as temporary, open(temporary, "wb") as file:
        images = ordered_map(read, filenames, threads=2, ahead=64)
        bar = progress_bar(images, desc=f"Decoding {name} images", total=len(filenames), unit="word")
        for index, result in enumerate(bar):
            if isinstance(result, str):
                problems[index] = result
                sizes.append(0)
            else:
                file.write(result.tobytes())
                sizes.append(result.size)
    write_json(base.with_suffix(".json"), {"sizes": sizes, "problems": problems}, indent=None)


def _fingerprints(folder: Path, filenames: Sequence[str]) -> list:
    """Name, size and times of change of each file, whose content or permissions; a missing one has none."""
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
        if path.stem != keep and path.suffix in (".json", ".pixels"):
            path.unlink(missing_ok=True)
    remove_stale(cache, prefix.rstrip("-"))

"""A random-access store of network-ready images and their labels, any number of them in constant memory.

A store is four files of one base name: `.pixels` holds all images one after the other, `.labels` all labels (UTF-8),
`.index.npy` the width of each image and the bytes of each label, int32 (n, 2), and `.json`, written last, the image
geometry and the reasons why images are unusable.

Rows are read, not memory-mapped: mapped pages count as the process's memory, and the system kills a process whose
mapped file is truncated or whose network storage fails.
"""

import array
import json
import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.labels import Word
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import atomic_write, write_json

FORMAT = 4  # of the files and of the pixels: another where the geometry of the same settings has changed
SUFFIXES = (".pixels", ".labels", ".index.npy", ".json")

# Label and image (uint8, in network geometry), or the reason why there is none.
Row = tuple[str, np.ndarray | str]


class RowFile:
    """Reads rows of bytes from a file; thread-safe."""

    def __init__(self, path: Path, sizes: np.ndarray) -> None:
        self.path = path
        self.offsets = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes, out=self.offsets[1:])
        self.handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.lock = threading.Lock()
        weakref.finalize(self, os.close, self.handle)

    def __getitem__(self, index: int) -> bytes:
        """Returns the bytes of a row; raises UserError if the file was truncated or can't be read."""
        start, end = int(self.offsets[index]), int(self.offsets[index + 1])
        try:
            with self.lock:
                os.lseek(self.handle, start, os.SEEK_SET)
                content = os.read(self.handle, end - start)
            reason = "it has been changed"
        except OSError as error:
            content, reason = b"", error.strerror or str(error)
        if len(content) != end - start:
            raise UserError(
                f"Can't read {self.path}: {reason}; a cache is rebuilt by the same command, a packed "
                "dataset by tools.pack_dataset."
            )
        return content


@dataclass(frozen=True)
class ImageStore:
    """Images and labels by index.

    Attributes:
        widths: int32 (n,), in pixels; 0 where the image is unusable.
        problems: index of an unusable image -> reason.
        about: the writer's notes.
    """

    image: ImageConfig
    widths: np.ndarray
    pixels: RowFile
    labels: RowFile
    problems: dict[int, str]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.widths)

    def __getitem__(self, index: int) -> np.ndarray:
        """Returns a uint8 image (height, width) or (height, width, 3), read-only."""
        size = self.image.image_size
        shape = (size.y_size, -1) if size.num_channels == 1 else (size.y_size, -1, size.num_channels)
        return np.frombuffer(self.pixels[index], np.uint8).reshape(shape)


class JoinedStore:
    """Several stores as one: the images of the first, then those of the second, ...

    `starts` is the index of each store's first image, and the number of all images; `widths` int32 (n,), in pixels.
    """

    def __init__(self, stores: Sequence["ImageStore | JoinedStore"]) -> None:
        self.stores = stores
        self.widths: np.ndarray = np.concatenate([store.widths for store in stores])
        self.starts = np.cumsum([0] + [len(store) for store in stores])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        part = int(np.searchsorted(self.starts, index, side="right")) - 1
        return self.stores[part][index - self.starts[part]]


class StoredWords(Sequence[Word]):
    """The labels of a store as words without file names, each read on access."""

    def __init__(self, store: ImageStore) -> None:
        self.store = store

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index):
        # A range raises the IndexError with which iterating ends.
        return Word("", self.store.labels[range(len(self))[index]].decode())


def write_store(base: Path, rows: Iterable[Row], image: ImageConfig, about: dict[str, Any] | None = None) -> int:
    """Writes a store and returns the number of its rows; raises UserError if the files can't be written.

    `rows` are consumed one by one; `image` is their geometry; `about`, notes as JSON values, may be filled meanwhile.
    """
    index, problems = array.array("i"), {}
    with ExitStack() as stack:
        pixels, labels, index_file = (
            stack.enter_context(open(stack.enter_context(atomic_write(_file(base, suffix))), "wb"))
            for suffix in SUFFIXES[:3]
        )
        for number, (label, content) in enumerate(rows):
            text = label.encode()
            width = 0
            if isinstance(content, str):
                problems[number] = content
            else:
                width = content.shape[1]
                pixels.write(content.tobytes())
            labels.write(text)
            index.extend((width, len(text)))
        np.save(index_file, np.frombuffer(index, np.int32).reshape(-1, 2))
        # An earlier store stays whole until now; its description fits none of the files that replace its own.
        _file(base, ".json").unlink(missing_ok=True)
    description = {"format": FORMAT, "image": image.model_dump(), "problems": problems, "about": about or {}}
    write_json(_file(base, ".json"), description, indent=None)
    return len(index) // 2


def is_store(description: Path) -> bool:
    """Whether a JSON file describes a store, of this version or another."""
    try:
        values = json.loads(description.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(values, dict) and {"format", "image", "problems"} <= set(values)


def open_store(base: Path) -> ImageStore | None:
    """Opens a store; None if there is none or its files don't belong together, UserError if they can't be read."""
    try:
        description = json.loads(_file(base, ".json").read_text(encoding="utf-8"))
        index = np.load(_file(base, ".index.npy"), allow_pickle=False)
        image = ImageConfig.model_validate(description["image"])
        problems = {int(key): str(reason) for key, reason in description["problems"].items()}
        # Copies: a view would keep the whole table, and millions of words should take few bytes each.
        widths, label_bytes = index[:, 0].copy(), index[:, 1].copy()
        size = image.image_size
        pixels = RowFile(_file(base, ".pixels"), widths * np.int64(size.y_size * size.num_channels))
        labels = RowFile(_file(base, ".labels"), label_bytes)
        complete = all(os.path.getsize(rows.path) == rows.offsets[-1] for rows in (pixels, labels))
        if description["format"] != FORMAT or not complete:
            return None
        return ImageStore(image, widths, pixels, labels, problems, description["about"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{base} can't be read: {error.strerror}; make it readable, or name another folder.") from None
    except (EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def _file(base: Path, suffix: str) -> Path:
    return base.with_name(base.name + suffix)

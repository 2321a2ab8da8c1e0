"""Words in a few large files: Parquet, read and written by Arrow.

A packed dataset is a folder of shards and `packed.json`, which names them and is written last. A shard
holds word images as training needs them (scaled, grey, not augmented), in row groups of a few hundred
words that are read, and compressed, each by itself; labels and widths are columns of their own, so
they can be read without the pixels. Any Parquet reader can read the shards.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.files import atomic_write, write_json

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    pyarrow = None

FORMAT = 1
INDEX_FILE = "packed.json"
GROUP_WORDS = 256  # about a megabyte of pixels
SHARD_GROUPS = 256
TRAINING_VALUE = " (0 with data_aug.use_data_aug, else the config's value)"

PackedWord = tuple[str, np.ndarray]


@dataclass(frozen=True)
class PackedStore:
    """A packed dataset.

    Attributes:
        image: geometry of the images.
        charset: the characters of all labels, sorted.
        longest: characters of the longest label.
        groups: for each row group (shard's file name, its number in there, its words).
    """

    folder: Path
    image: ImageConfig
    charset: str
    longest: int
    groups: Sequence[tuple[str, int, int]]

    @property
    def words(self) -> int:
        """Number of words."""
        return sum(words for _, _, words in self.groups)

    def labels_and_widths(self, group: int) -> tuple[list[str], np.ndarray]:
        """Labels, and int64 widths in pixels, of a row group."""
        table = self._read(group, ["label", "width"])
        return table["label"].to_pylist(), table["width"].to_numpy().astype(np.int64)

    def images(self, group: int) -> list[np.ndarray]:
        """The images of a row group: uint8 (height, width) or (height, width, 3)."""
        size = self.image.image_size
        shape = (size.y_size, -1) if size.num_channels == 1 else (size.y_size, -1, size.num_channels)
        column = self._read(group, ["pixels"])["pixels"]
        try:
            return [np.frombuffer(value.as_buffer(), np.uint8).reshape(shape) for value in column]
        except ValueError:
            raise self._damaged(group, "an image has another height") from None

    def _read(self, group: int, columns: list[str]) -> Any:
        name, number, words = self.groups[group]
        try:
            with pyarrow.parquet.ParquetFile(self.folder / name) as file:
                table = file.read_row_group(number, columns, use_threads=False)
        except (OSError, pyarrow.ArrowException, KeyError, IndexError) as error:
            raise self._damaged(group, str(error).splitlines()[0][:160]) from None
        if table.num_rows != words or table.num_columns != len(columns):
            raise self._damaged(group, "it holds other words")
        return table

    def _damaged(self, group: int, reason: str) -> UserError:
        return UserError(
            f"Shard {self.folder / self.groups[group][0]} can't be read ({reason}); copy it again, or pack "
            "the dataset anew with python -m tools.pack_dataset."
        )


def open_packed(folder: Path, image: ImageConfig) -> PackedStore:
    """Opens a packed dataset whose images have this geometry.

    Raises:
        UserError: no complete packed dataset, or of another geometry.
    """
    require_arrow()
    path = folder / INDEX_FILE
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise ValueError
        store = PackedStore(
            folder,
            ImageConfig.model_validate(index["image"]),
            str(index["charset"]),
            int(index["longest"]),
            [
                (Path(str(name)).name, number, int(words))
                for name, sizes in index["shards"].items()
                for number, words in enumerate(sizes)
            ],
        )
    except FileNotFoundError:
        raise UserError(
            f"{folder} is no packed dataset ({INDEX_FILE} is missing, which is written last); make it with "
            "python -m tools.pack_dataset."
        ) from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        raise UserError(f"{path} is damaged or of another version; pack the dataset anew.") from None
    packed = store.image.geometry()
    for name, value in image.geometry().items():
        if packed[name] != value:
            note = TRAINING_VALUE if name in ("margin", "blur") else ""
            raise UserError(
                f"{folder} was packed with image.{name} {packed[name]}, but this training "
                f"needs {value}{note}; set it, or pack the dataset anew with this config."
            )
    return store


def write_packed(folder: Path, words: Iterable[PackedWord], image: ImageConfig) -> int:
    """Writes a packed dataset; returns its number of words.

    Args:
        words: (label, image in the geometry) of each word; taken as they come, in memory one row group.

    Raises:
        UserError: the folder can't be written, or there are no words.
    """
    require_arrow()
    (folder / INDEX_FILE).unlink(missing_ok=True)
    charset: set[str] = set()
    longest = total = 0
    shards: dict[str, list[int]] = {}
    groups = _grouped(words)
    group = next(groups, None)
    if group is None:
        raise UserError("There is no usable word to pack.")
    while group is not None:
        name = f"words-{len(shards):05d}.parquet"
        shards[name] = []
        with atomic_write(folder / name) as temporary, _writer(temporary) as writer:
            while group is not None and len(shards[name]) < SHARD_GROUPS:
                writer.write_table(_table(group), row_group_size=len(group))
                charset.update(*(label for label, _ in group))
                longest = max(longest, *(len(label) for label, _ in group))
                shards[name].append(len(group))
                total += len(group)
                group = next(groups, None)
    for old in folder.glob("words-*.parquet"):
        if old.name not in shards:
            old.unlink()
    index = {
        "format": FORMAT,
        "image": image.model_dump(),
        "charset": "".join(sorted(charset)),
        "longest": longest,
        "shards": shards,
    }
    write_json(folder / INDEX_FILE, index, indent=None)
    return total


def require_arrow() -> None:
    """Raises UserError if Arrow is not installed."""
    if pyarrow is None:
        raise UserError("Packed datasets need pyarrow: pip install -r requirements-scale.txt.")


def _schema() -> Any:
    kinds = {"label": pyarrow.string(), "width": pyarrow.uint16(), "pixels": pyarrow.binary()}
    return pyarrow.schema(list(kinds.items()))


def _writer(path: Path) -> Any:
    return pyarrow.parquet.ParquetWriter(
        path, _schema(), compression="zstd", use_dictionary=False, write_statistics=False
    )


def _table(group: list[PackedWord]) -> Any:
    columns = {
        "label": [label for label, _ in group],
        "width": [image.shape[1] for _, image in group],
        "pixels": [image.tobytes() for _, image in group],
    }
    return pyarrow.table(columns, schema=_schema())


def _grouped(words: Iterable[PackedWord]) -> Iterator[list[PackedWord]]:
    group: list[PackedWord] = []
    for word in words:
        group.append(word)
        if len(group) == GROUP_WORDS:
            yield group
            group = []
    if group:
        yield group

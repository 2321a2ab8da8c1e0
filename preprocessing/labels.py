"""Reads and writes labels.json, the images of train, val and test and their labels."""

import itertools
import json
import posixpath
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from preprocessing.tokenizer import normalize_label
from utils.errors import UserError
from utils.files import open_regular, write_json

SPLITS = ("train", "val", "test")
BLANK = "blank"  # lines without text that tools.serve keeps beside the splits; they are not trained on
LABELS_FILE = "labels.json"  # as the tools name it


@dataclass(frozen=True, slots=True)
class Word:
    """An image, relative to the images folder, its label in NFC, and its writer if known."""

    filename: str
    label: str
    writer: str | None = None


@dataclass(frozen=True)
class LabelsFile:
    """The words of each split (`train`, `val`, `test`, all present) and notes for the user."""

    splits: dict[str, list[Word]]
    notes: list[str]


def read_labels(path: str | Path) -> LabelsFile:
    """Reads a labels file.

    `notes` mentions unknown splits and files in more than one split. Keys of an entry other than filename, label and
    writer are ignored. Labels may be empty; `open_dataset` leaves them out. Raises UserError if the file is missing or
    malformed, lacks a split, or names a file outside the images folder.
    """
    content = _read_json(Path(path))
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold an object with train, val and test, not {_kind(content)}.")
    for split in SPLITS:
        if split not in content:
            advice = "such as a tenth of the words; training needs it" if split == "val" else "as an empty list if none"
            raise UserError(f"{path} has no {split!r} split; add it, {advice}.")
        if not isinstance(content[split], list):
            raise UserError(f"{path}: {split} must be a list of words, not {_kind(content[split])}.")
    splits = {
        split: [_word(entry, f"{path}: {split}[{index}]") for index, entry in enumerate(content[split])]
        for split in SPLITS
    }
    notes = _leaks(path, splits)
    unknown = sorted(set(content) - {*SPLITS, BLANK})
    if unknown:
        notes.insert(0, f"{path}: unknown splits are ignored: {', '.join(map(repr, unknown))}.")
    return LabelsFile(splits, notes)


def write_labels(path: str | Path, splits: Mapping[str, Sequence[Word]]) -> None:
    """Writes `splits` (a missing one as empty) for `read_labels`; UserError if it fails, the previous file is kept."""
    write_json(path, {split: [_entry(word) for word in splits.get(split, ())] for split in SPLITS}, indent=1)


def check_filename(filename: str, where: str) -> None:
    """Refuses names that could lead out of the images folder, on any operating system.

    Raises UserError, which starts with `where`, if the name is empty, absolute, contains `..` or can't be a file name.
    """
    if not filename.strip() or "\0" in filename or not is_text(filename):
        raise UserError(f"{where}: filename {filename!r} can't be a file; name one in the images folder.")
    windows = PureWindowsPath(filename)
    if PurePosixPath(filename).is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise UserError(f"{where}: filename {filename!r} leaves the images folder; write it relative to that folder.")


def is_usable_name(filename: str) -> bool:
    """Returns whether a labels file may hold a file name."""
    try:
        check_filename(filename, "")
    except UserError:
        return False
    return True


def shared_by_splits(values: Mapping[str, set[Any]]) -> dict[tuple[str, str], list[Any]]:
    """Returns, sorted, the values that two splits share; pairs of splits without any are left out."""
    pairs = itertools.combinations(SPLITS, 2)
    return {pair: sorted(both) for pair in pairs if (both := values[pair[0]] & values[pair[1]])}


def _read_json(path: Path) -> Any:
    try:
        with open_regular(path) as file:
            return json.loads(file.read(), object_pairs_hook=unique_keys)
    except FileNotFoundError:
        raise UserError(
            f"Labels file {path} does not exist; set labels_file, or make it with the command tools.create_labels "
            "or as the head of the config describes."
        ) from None
    except OSError as error:
        if path.is_dir():
            raise UserError(f"Labels file {path} is a folder; name the .json file in it.") from None
        raise UserError(f"Labels file {path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"Labels file {path} is not valid JSON: {' '.join(str(error).split())}.") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object; raises ValueError if a key occurs twice, since one value would be lost."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"an object has the key {twice!r} twice")
    return values


def _word(entry: Any, where: str) -> Word:
    if not isinstance(entry, dict):
        raise UserError(f"{where} must be an object with filename and label, not {_kind(entry)}.")
    for name in ("filename", "label"):
        if name not in entry:
            raise UserError(f"{where} has no {name!r}; give every word a filename and a label.")
    for name in ("filename", "label", "writer"):
        value = entry.get(name)
        # A missing and a null writer are equivalent.
        if not isinstance(value, str) and not (name == "writer" and value is None):
            raise UserError(f"{where}: {name} must be a string, not {_kind(value)}; put it in quotes.")
        if value is not None and not is_text(value):
            raise UserError(f"{where}: {name} {value!r} holds half a character (a lone surrogate); correct it.")
    check_filename(entry["filename"], where)
    writer = entry.get("writer")
    # Most words and all writers occur many times; interning saves memory.
    label = sys.intern(normalize_label(entry["label"]))
    return Word(entry["filename"], label, None if writer is None else sys.intern(writer))


def _entry(word: Word) -> dict[str, str]:
    entry = {"filename": word.filename, "label": word.label}
    return entry if word.writer is None else entry | {"writer": word.writer}


def _leaks(path: str | Path, splits: Mapping[str, list[Word]]) -> list[str]:
    names = {split: {posixpath.normpath(word.filename) for word in words} for split, words in splits.items()}
    return [
        f"{path}: {len(both)} images are in both {first} and {second} (such as {both[0]}), "
        "so figures on the latter are too good."
        for (first, second), both in shared_by_splits(names).items()
    ]


def is_text(value: str) -> bool:
    """Whether the string can be encoded; JSON escapes may produce lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    """Returns the JSON name of a value's type."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")

"""Finds the tables of a folder by the names that other tools give them, one for all words or one per split."""

from dataclasses import replace
from pathlib import Path

from preprocessing.importers.columns import FOLDER_SPLITS
from preprocessing.importers.labelled_word import LabelledWord
from preprocessing.importers.table import read_table
from utils.log import log

# Hugging Face, EasyOCR, deep-text-recognition-benchmark, PaddleOCR.
NAMES = ("metadata.csv", "metadata.jsonl", "labels.csv", "gt.txt", "rec_gt.txt")
PADDLE = "rec_gt_{split}.txt"


def tables_in(folder: Path) -> dict[Path, str | None]:
    """Returns the tables of a folder and the split that each stands for, None where the table itself has splits.

    They may also be in a folder `data`, as in repositories of Hugging Face.
    """
    for name in NAMES:
        if (folder / name).is_file():
            return {folder / name: None}
    paths = _tables_of_splits(folder)
    found: dict[Path, str | None] = {}
    for name, split in FOLDER_SPLITS.items():
        found |= {path: split for path in paths if _split_name(folder, path) == name}
    return found if found or not (folder / "data").is_dir() else tables_in(folder / "data")


def _tables_of_splits(folder: Path) -> list[Path]:
    """Returns what may be a table of one split: PaddleOCR's lists, and tables one folder below."""
    patterns = [PADDLE.format(split="*"), *(f"*/{name}" for name in NAMES)]
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]
    return [path for path in found if path.parent == folder or not path.parent.name.startswith(".")]


def _split_name(folder: Path, path: Path) -> str:
    """Returns the name of the split that a list, or the folder of a table, is called after."""
    return (path.stem.removeprefix("rec_gt_") if path.parent == folder else path.parent.name).lower()


def read_tables(folder: Path, tables: dict[Path, str | None]) -> list[LabelledWord]:
    """Returns the words of `tables_in(folder)`; file names in a subfolder's table are relative to that."""
    _log_unread(folder, tables)
    records = []
    for path, split in tables.items():
        prefix = path.parent.relative_to(folder)
        for record in read_table(path, path.parent):
            word = replace(record.word, filename=(prefix / record.word.filename).as_posix())
            records.append(replace(record, word=word, split=split or record.split))
    return records


def _log_unread(folder: Path, tables: dict[Path, str | None]) -> None:
    """Logs the lists of a folder that are not among its tables, and why."""
    unread: dict[str, list[str]] = {}
    found = [(place, path) for place in (folder, folder / "data") for path in _tables_of_splits(place)]
    for place, path in found:
        if path in tables:
            continue
        nameless = _split_name(place, path) not in FOLDER_SPLITS and None not in tables.values()
        reason = "they are named after no split" if nameless else f"{next(iter(tables)).relative_to(folder)} is read"
        unread.setdefault(reason, []).append(str(path.relative_to(folder)))
    for reason, names in unread.items():
        log(f"{folder}: tables that are not read, since {reason}: {', '.join(names)}.")

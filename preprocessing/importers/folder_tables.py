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
    found: dict[Path, str | None] = {}
    for name, split in FOLDER_SPLITS.items():
        paths = [folder / PADDLE.format(split=name), *(folder / name / table for table in NAMES)]
        found |= {path: split for path in paths if path.is_file()}
    return found if found or not (folder / "data").is_dir() else tables_in(folder / "data")


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
    for path in sorted(path for place in (folder, folder / "data") for path in place.glob(PADDLE.format(split="*"))):
        if path in tables:
            continue
        nameless = path.stem.removeprefix("rec_gt_") not in FOLDER_SPLITS and None not in tables.values()
        reason = "their names tell no split" if nameless else f"{next(iter(tables)).relative_to(folder)} is read"
        unread.setdefault(reason, []).append(str(path.relative_to(folder)))
    for reason, names in unread.items():
        log(f"{folder}: lists that are not read, since {reason}: {', '.join(names)}.")

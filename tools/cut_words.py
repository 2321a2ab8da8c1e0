"""Cuts words out of pictures of lines or pages by the boxes of a table, into a dataset of word images.

Example: python -m tools.cut_words datasets/lines/hooker_en/words.tsv --output datasets/words/hooker_en
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from preprocessing.labels import Word, write_labels
from preprocessing.word_image import decode
from utils.cli import run_command
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.log import log, progress_bar

COLUMNS = ("filename", "text", "x", "y", "w", "h")
SPLITS = {"train": "train", "val": "val", "valid": "val", "test": "test"}


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description="Cuts words out of pictures by a table of boxes.")
    add = parser.add_argument
    add("table", type=Path, help=f"tab-separated, with the columns {', '.join(COLUMNS)} and perhaps document and split")
    add("--images", type=Path, help="folder to which the file names are relative (default: the table's)")
    add("--output", type=Path, required=True, help="folder of the dataset: words/ and labels.json")
    options = parser.parse_args(arguments)
    return run_command(lambda: _cut(options.table, options.images or options.table.parent, options.output))


def _cut(table: Path, images: Path, output: Path) -> int:
    rows = list(_read_rows(table))
    splits: dict[str, list[Word]] = {split: [] for split in SPLITS.values()}
    outside, last, pixels = 0, "", np.empty((0, 0), np.uint8)
    (output / "words").mkdir(parents=True, exist_ok=True)
    for index, row in enumerate(progress_bar(rows, desc="Cutting words", total=len(rows), unit="word")):
        if row["filename"] != last:
            last, pixels = row["filename"], decode(images / row["filename"], ImageConfig())
        x, y, width, height = row["box"]
        crop = pixels[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
        if not crop.size:
            outside += 1
            continue
        name = f"{Path(last).stem}-{index:06}.png"
        Image.fromarray(crop).save(output / "words" / name)
        splits[row["split"]].append(Word(name, row["text"], row["document"]))
    write_labels(output / "labels.json", splits)
    if outside:
        log(f"{outside} boxes lie outside their pictures; they are left out.")
    print(f"{output / 'labels.json'}: " + ", ".join(f"{len(words)} {split}" for split, words in splits.items()))
    return 0


def _read_rows(table: Path) -> Iterator[dict[str, Any]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise UserError(f"{table} has no column {missing[0]}; it needs {', '.join(COLUMNS)}.")
            for row in reader:
                try:
                    yield {
                        "filename": row["filename"],
                        "text": row["text"],
                        "box": [int(row[name]) for name in COLUMNS[2:]],
                        "document": row.get("document"),
                        "split": SPLITS[row.get("split", "train")],
                    }
                except (KeyError, TypeError, ValueError):
                    raise UserError(
                        f"{table}:{reader.line_num} needs whole numbers x, y, w, h and a split of {', '.join(SPLITS)}."
                    ) from None
    except OSError as error:
        raise UserError(f"{table} can't be read: {error.strerror}.") from None


if __name__ == "__main__":
    sys.exit(main())

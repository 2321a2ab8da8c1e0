"""Cuts words out of pictures of lines or pages by the boxes of a table, into a dataset of word images.

Example: python -m tools.cut_words datasets/lines/hooker_en/words.tsv --output datasets/words/hooker_en
"""

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.image_file import UnusableImage, configure_process, decode
from preprocessing.importers.columns import SPLIT_NAMES
from preprocessing.importers.rows import read_rows
from preprocessing.labels import Word, check_filename
from tools.dataset_writer import DatasetWriter
from utils.cli import add_max_pixels, run_command
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.log import log, progress_bar

COLUMNS = ("filename", "text", "x", "y", "w", "h")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description="Cuts words out of pictures by a table of boxes.")
    add = parser.add_argument
    columns = f"with the columns {', '.join(COLUMNS)} and maybe writer (or document) and split"
    add("table", type=Path, help=f"tab-separated, {columns}")
    add("--images", type=Path, help="folder to which the file names are relative (default: that of the table)")
    add("--output", type=Path, required=True, help="folder of the dataset: words/ and labels.json")
    add_max_pixels(parser)
    options = parser.parse_args(arguments)
    image = ImageConfig(max_pixels=options.max_pixels)
    return run_command(lambda: _cut(options.table, options.images or options.table.parent, image, options.output))


def _cut(table: Path, images: Path, image: ImageConfig, output: Path) -> int:
    configure_process()
    rows = list(_read_rows(table))
    dataset = DatasetWriter(output, "words")
    with progress_bar(desc="Cutting words", total=len(rows), unit="word") as bar:
        for row, crop in _crops(rows, images, image):
            bar.update()
            if isinstance(crop, str) or not row["text"]:
                dataset.left_out[crop if isinstance(crop, str) else "empty text"] += 1
                continue
            name = f"{Path(row['filename']).stem}-{row['index']:06}.png"
            dataset.add(row["split"], Word(name, row["text"], row["writer"]), crop)
    dataset.finish("words", f"No word of {table} could be cut out; check its file names, and --images.")
    return 0


def _crops(
    rows: list[dict[str, Any]], images: Path, image: ImageConfig
) -> Iterator[tuple[dict[str, Any], np.ndarray | str]]:
    """Yields each row, picture by picture, with the pixels in its box or the reason why there are none."""
    rows = sorted(rows, key=lambda row: row["filename"])
    for filename, group in itertools.groupby(rows, key=lambda row: row["filename"]):
        problem, pixels = "", np.empty((0, 0), np.uint8)
        try:
            pixels = decode(images / filename, image)
        except UnusableImage as error:
            log(str(error))
            problem = error.reason
        for row in group:
            x, y, width, height = row["box"]
            crop = pixels[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
            yield row, crop if crop.size else problem or "box outside its picture"


def _read_rows(table: Path) -> Iterator[dict[str, Any]]:
    _, rows = read_rows(table)
    names = rows[0][1] if rows else []
    if missing := [name for name in COLUMNS if name not in names]:
        raise UserError(f"{table} has no column {missing[0]}; it needs {', '.join(COLUMNS)}.")
    for index, (number, cells) in enumerate(rows[1:]):
        # Columns that a row lacks are None.
        yield {"index": index, **_row(dict(itertools.zip_longest(names, cells)), f"{table}:{number}")}


def _row(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Returns the values of a row; raises UserError, which starts with `where`, if one is missing or wrong."""
    if row["filename"] is None or row["text"] is None:
        raise UserError(f"{where} has too few columns; give each word a file name and a text.")
    check_filename(row["filename"], where)
    try:
        return {
            "filename": row["filename"],
            "text": row["text"].strip(),
            "box": [int(row[name]) for name in COLUMNS[2:]],
            "writer": row.get("writer") or row.get("document") or None,
            "split": SPLIT_NAMES[row.get("split", "train").lower()],
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(f"{where} needs whole numbers x, y, w, h and a split of train, val or test.") from None


if __name__ == "__main__":
    sys.exit(main())

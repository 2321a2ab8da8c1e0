"""Tells what the columns of a table are: filename, label and, if known, writer and split."""

from collections.abc import Sequence
from pathlib import Path

from preprocessing.labels import SPLITS
from utils.errors import UserError
from utils.log import log

COLUMNS = ("filename", "label", "writer", "split")
# Headers of other tools, and of this one's predictions.
SYNONYMS = {
    **dict.fromkeys(("file_name", "file", "image", "image_path", "img", "path"), "filename"),
    **dict.fromkeys(("text", "words", "transcription", "ground_truth"), "label"),
    **dict.fromkeys(("author", "scribe"), "writer"),
    **dict.fromkeys(("set", "subset", "partition"), "split"),
}
# Beside a filename and a label they say something else, such as the caption of a figure.
YIELDING = {
    **dict.fromkeys(("filepath", "file_path", "image_name", "img_name"), "filename"),
    **dict.fromkeys(("transcript", "gt", "caption"), "label"),
}
# As Kaggle's FILENAME,IDENTITY; beside a filename and a label they are those of a person. A document has few hands.
FALLBACKS = {"name": "filename", "identity": "label", "document": "writer"}
SPLIT_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
SPLIT_NAMES |= {split: split for split in SPLITS}
# PaddleOCR's rec_gt_eval.txt is for validation; in a column beside val the same name means test, as Hugging Face's
# evaluation does.
FOLDER_SPLITS = SPLIT_NAMES | {"eval": "val", "evaluation": "test"}


def roles(names: Sequence[str]) -> list[str]:
    """Returns what each column or key is: one of COLUMNS, or its own name in lower case."""
    found = [SYNONYMS.get(name, name) for name in (name.strip().lower() for name in names)]
    for others in (YIELDING, FALLBACKS):
        taken = set(found)
        found = [others[name] if name in others and others[name] not in taken else name for name in found]
    return found


def is_header(cells: Sequence[str]) -> bool:
    """Whether a table's first line names its columns."""
    return {"filename", "label"} <= set(roles(cells))


def header_columns(cells: list[str], path: str | Path) -> list[str]:
    """Returns what each column of a header is; UserError if two are the same, since one would be lost."""
    names = roles(cells)
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise UserError(f"{path}: the header {', '.join(cells)} has more than one column for {twice[0]}; keep one.")
    if unused := [cell for cell, name in zip(cells, names) if cell and name not in COLUMNS]:
        log(f"{path}: columns that are not used: {', '.join(unused)}.")
    return names


def columns_without_header(rows: Sequence[tuple[int, list[str]]], delimiter: str, path: str | Path) -> list[str]:
    """Returns what each column of a table without header is; the first line sets their number.

    Raises UserError if the third column could be either the writer or the split: taken for writers, splits would
    be lost without a word; or if it could be the rest of a label with an unquoted comma.
    """
    # A fixed number, so that labels with unquoted commas are found.
    columns = max(2, min(3, len(rows[0][1])))
    short = next((number for number, cells in rows if len(cells) == 2 < columns), None)
    if delimiter == "," and short:
        raise UserError(
            f"{path}:{short} has fewer columns than the first line; quote labels that have commas, or name the columns "
            "in a first line, such as filename,label,writer."
        )
    thirds = [cells[2] for _, cells in rows if len(cells) > 2 and cells[2]]
    splits = [cell for cell in thirds if cell.lower() in SPLIT_NAMES]
    others = [cell for cell in thirds if cell.lower() not in SPLIT_NAMES]
    if others and len(splits) > 1:
        raise UserError(
            f"{path}: the third column holds splits (such as {splits[0]}) and other values (such as {others[0]}); "
            "say in a first line what it is: filename,label,split or filename,label,writer."
        )
    return ["filename", "label", "split" if splits and not others else "writer"][:columns]

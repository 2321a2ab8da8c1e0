"""Reads a table of words: filename, label and, if known, writer and split."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from preprocessing.importers.labelled_word import LabelledWord, read_text
from preprocessing.labels import SPLITS, Word, check_filename
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError

COLUMNS = ("filename", "label", "writer", "split")
FIRST_DELIMITER = re.compile(r'(?:"(?:[^"]|"")*"|[^,;\t|]*)([,;\t|])')


def read_table(path: str | Path) -> list[LabelledWord]:
    """Returns the words of a CSV or TSV file, in its order.

    Columns are filename, label and, optionally, writer. A header line with at least filename and label may order them
    freely and add split (train, val or test). Fields are tab-separated in .tsv files, elsewhere by the first comma,
    semicolon, tab or bar of the first line. Raises UserError if the file can't be read, or a line is malformed or names
    a file outside the images folder.
    """
    rows = list(_rows(path))
    if not rows:
        raise UserError(f"{path} has no lines; write filename,label on each.")
    names = [cell.lower() for cell in rows[0][1]]
    if {"filename", "label"} <= set(names):
        if not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
            raise UserError(f"{path}: the header is {', '.join(names)}; use each of {', '.join(COLUMNS)} at most once.")
        rows = rows[1:]
    else:
        # The first line sets the number of columns, so that labels with unquoted commas are found.
        names = list(COLUMNS[: max(2, min(3, len(names)))])
    return [_record(names, cells, f"{path}:{number}") for number, cells in rows]


def _rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yields line number and stripped cells of every line that is not blank."""
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    tabs = Path(path).suffix.lower() in (".tsv", ".tab")
    if tabs:
        # Such files are often written without quoting: a single quote is a label.
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        first = FIRST_DELIMITER.match(next(filter(str.strip, lines), "").lstrip())
        delimiter = first[1] if first else ","
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 1
    try:
        for number, cells in enumerate(reader, start=1):
            # Every line is one record, so an unclosed quote is reported at its line.
            if reader.line_num != number:
                raise csv.Error("unclosed quote")
            if lines[number - 1].strip():
                yield number, [_unquoted(cell.strip()) if tabs else cell.strip() for cell in cells]
            number += 1
    except csv.Error as error:
        raise UserError(f'{path}:{number} is malformed ({error}); write fields with quotes "like ""this""".') from None


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 2 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def _record(names: list[str], cells: list[str], where: str) -> LabelledWord:
    if len(cells) > len(names):
        raise UserError(f"{where} has {len(cells)} columns instead of {len(names)}; quote a label that has commas.")
    values = dict(zip(names, cells))
    if "filename" not in values or "label" not in values:
        raise UserError(f"{where} has {len(cells)} columns; write filename and label, separated as in the first line.")
    check_filename(values["filename"], where)
    if "split" in names and values.get("split") not in SPLITS:
        raise UserError(f"{where}: split is {values.get('split', '')!r}; write train, val or test.")
    word = Word(values["filename"], normalize_label(values["label"]), values.get("writer") or None)
    return LabelledWord(word, split=values.get("split"))

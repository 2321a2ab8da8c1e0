"""Reads a table of words: filename, label and, if known, writer and split."""

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from preprocessing.importers.labelled_word import LabelledWord, read_text
from preprocessing.labels import SPLITS, Word, check_filename, is_text
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError
from utils.escaping import escape_csv
from utils.log import log

COLUMNS = ("filename", "label", "writer", "split")
# Headers of other tools, and of this one's predictions.
SYNONYMS = {
    **dict.fromkeys(("file_name", "file", "image", "image_path", "img", "path"), "filename"),
    **dict.fromkeys(("text", "words", "transcription", "ground_truth"), "label"),
    **dict.fromkeys(("author", "scribe"), "writer"),
    **dict.fromkeys(("set", "subset", "partition"), "split"),
}
SPLIT_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
SPLIT_NAMES |= {split: split for split in SPLITS}
QUOTED = re.compile(r'"[^"]*"')
FIRST_DELIMITER = re.compile(r'(?:"(?:[^"]|"")*"|[^,;\t|]*)([,;\t|])')
EXCEL_DELIMITER = re.compile(r"sep=(.)")
EASYOCR_HEADER = "filename,words"

# Line number (from 1) and cells.
Row = tuple[int, list[str]]


def read_table(path: str | Path, images: Path | None = None) -> list[LabelledWord]:
    """Returns the words of a CSV, TSV, JSON or JSON Lines file, in its order.

    Columns are filename, label and, optionally, writer, or the split if it is one on every line. A header line with at
    least filename and label, or their SYNONYMS, may order them freely and add split; other columns are not used. Fields
    are separated by tabs in .tsv files and where the first line has one, elsewhere by the first comma, semicolon or bar
    of that line. Quotes mean nothing in a .txt of tabs without a header, as of PaddleOCR. Raises UserError if the file
    can't be read, or a line is malformed or names a file outside the images folder.

    File names are relative to the folder `images`; those that lead into it from the working directory, as in our own
    tables of predictions, or absolutely, become so.
    """
    if Path(path).suffix.lower() in (".json", ".jsonl"):
        return [_record(values, f"{path}: entry {number}", images) for number, values in _entries(path)]
    rows = list(_rows(path))
    if not rows:
        raise UserError(f"{path} has no lines; write filename,label on each.")
    names = _header(rows[0][1], path)
    if names:
        rows = rows[1:]
    else:
        names = _columns(rows)
    return [
        _record(values, f"{path}:{number}", images)
        for number, cells in rows
        for values in _per_image(_values(names, cells, f"{path}:{number}"))
    ]


def _entries(path: str | Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields number and values of each object of a JSON list, or of each line of a JSON Lines file."""
    text = read_text(path)
    try:
        lines = [line for line in text.split("\n") if line.strip()]
        jsonl = Path(path).suffix.lower() == ".jsonl"
        entries = [json.loads(line) for line in lines] if jsonl else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path} must hold a list of objects with filename and label or text.")
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry.get("lines"), list):
            raise UserError(f"{path} is what --page --output wrote; import pages as PAGE or ALTO, --output NAME.xml.")
        values = [(_role(name), str(value)) for name, value in entry.items() if isinstance(value, str | int)]
        roles = [role for role, _ in values]
        if twice := next((role for role in COLUMNS if roles.count(role) > 1), None):
            raise UserError(f"{path}: entry {number} has more than one key for {twice}: {', '.join(entry)}; keep one.")
        yield number, dict(values)


def _rows(path: str | Path) -> Iterator[Row]:
    """Yields line number and stripped cells of every line that is not blank."""
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    first = next(filter(str.strip, lines), "").strip()
    if first.lower() == EASYOCR_HEADER:  # EasyOCR's labels.csv has no quotes: all after the first comma is the label.
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, [part.strip() for part in line.split(",", 1)]
        return
    named = EXCEL_DELIMITER.fullmatch(first)
    found = named or FIRST_DELIMITER.match(first)
    is_tsv = Path(path).suffix.lower() in (".tsv", ".tab")
    delimiter = "\t" if is_tsv or "\t" in QUOTED.sub("", first) else found[1] if found else ","
    unquote = delimiter == "\t" and (is_tsv or _is_header(first.split("\t")))
    if delimiter == "\t":
        # Such files are often written without quoting: a single quote is a label.
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 1
    try:
        for number, cells in enumerate(reader, start=1):
            # Every line is one record, so an unclosed quote is reported at its line.
            if reader.line_num != number:
                raise csv.Error("unclosed quote")
            line = lines[number - 1].strip()
            if line and not (named and line == first):
                yield number, [_unquoted(cell.strip()) if unquote else cell.strip() for cell in cells]
            number += 1
    except csv.Error as error:
        raise UserError(f'{path}:{number} is malformed ({error}); write fields with quotes "like ""this""".') from None


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 2 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def _role(name: str) -> str:
    name = name.strip().lower()
    return SYNONYMS.get(name, name)


def _is_header(cells: list[str]) -> bool:
    return {"filename", "label"} <= set(map(_role, cells))


def _header(cells: list[str], path: str | Path) -> list[str]:
    """Returns what each column of a header is; nothing if the line is none."""
    names = [_role(cell) for cell in cells]
    if not _is_header(cells):
        return []
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise UserError(f"{path}: the header {', '.join(cells)} has more than one column for {twice[0]}; keep one.")
    if unused := [cell for cell, name in zip(cells, names) if name not in COLUMNS]:
        log(f"{path}: columns that are not used: {', '.join(unused)}.")
    return names


def _columns(rows: list[Row]) -> list[str]:
    """Returns what each column of a table without header is; the first line sets their number."""
    number = max(2, min(3, len(rows[0][1])))
    thirds = {cells[2].lower() for _, cells in rows if len(cells) > 2}
    third = "split" if thirds and thirds <= SPLIT_NAMES.keys() else "writer"
    # A fixed number, so that labels with unquoted commas are found.
    return ["filename", "label", third][:number]


def _values(names: list[str], cells: list[str], where: str) -> dict[str, str]:
    if len(cells) > len(names):
        raise UserError(f"{where} has {len(cells)} columns instead of {len(names)}; quote a label that has commas.")
    values = dict(zip(names, cells))
    if "filename" not in values or "label" not in values:
        raise UserError(f"{where} has {len(cells)} columns; write filename and label, separated as in the first line.")
    if "confidence" in names and escape_csv(values["label"][1:]) == values["label"]:
        values["label"] = values["label"][1:]  # In tables of predictions what looks like a formula has an apostrophe.
    return {**dict.fromkeys(names, ""), **values}


def _per_image(values: dict[str, str]) -> list[dict[str, str]]:
    """Returns one row per image: PaddleOCR's lists may name several of one text, `["1.jpg", "2.jpg"]<TAB>text`."""
    if not values["filename"].startswith('["'):
        return [values]
    try:
        names = json.loads(values["filename"])
    except (ValueError, RecursionError):
        return [values]
    return [{**values, "filename": name} for name in names if isinstance(name, str)]


def _relative(filename: str, images: Path | None) -> str:
    if images is None or (not os.path.isabs(filename) and os.path.exists(images / filename)):
        return filename
    path, folder = os.path.abspath(filename), os.path.abspath(images)
    return Path(path).relative_to(folder).as_posix() if Path(path).is_relative_to(folder) else filename


def _record(values: dict[str, Any], where: str, images: Path | None) -> LabelledWord:
    if "filename" not in values or "label" not in values:
        raise UserError(f"{where} needs filename and label.")
    if not is_text(values["label"]):
        raise UserError(f"{where}: label {values['label']!r} holds half a character (a lone surrogate); correct it.")
    filename = _relative(values["filename"], images)
    check_filename(filename, where)
    split = SPLIT_NAMES.get(values["split"].lower()) if "split" in values else None
    if "split" in values and split is None:
        raise UserError(f"{where}: split is {values['split']!r}; write train, val or test.")
    word = Word(filename, normalize_label(values["label"]), values.get("writer") or None)
    return LabelledWord(word, split=split)

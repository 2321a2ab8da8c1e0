"""Reads a table of words: filename, label and, if known, writer and split."""

import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from preprocessing.importers.columns import (
    COLUMNS,
    SPLIT_NAMES,
    columns_without_header,
    header_columns,
    is_header,
    roles,
)
from preprocessing.importers.labelled_word import LabelledWord, read_text
from preprocessing.importers.rows import read_rows
from preprocessing.labels import Word, check_filename, is_text, unique_keys
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError
from utils.escaping import escape_csv

# As `predictors.output` and `predictors.run` write it, apart from writers and splits that were added.
OWN_HEADER = re.compile(
    r"filename,text,confidence(,doubtful)?(,character_confidences)?(,text_\d+,confidence_\d+)*(,error)?"
)
# Of a line with too many columns, by the delimiter.
ADVICE = {
    ",": "quote a label that has commas",
    ";": "quote a label that has semicolons",
    "|": "quote a label that has bars",
    "\t": "write blanks for the tabs in a label",
}
DONUT = re.compile(r'\{\s*"gt_parses?"\s*:')


def read_table(path: str | Path, images: Path | None = None) -> list[LabelledWord]:
    """Returns the words of a CSV, TSV, JSON or JSON Lines file, in its order.

    Columns are filename, label and, optionally, writer, or the split if it is one on every line. A header line with at
    least filename and label, or their SYNONYMS, may order them freely and add split; other columns are not used. Quotes
    mean nothing in a .txt of tabs without a header, as of PaddleOCR. Raises UserError if the file can't be read, or a
    line is malformed or names a file outside the images folder.

    File names are relative to the folder `images`; those that lead into it from the working directory, as in our own
    tables of predictions, or absolutely, become so.
    """
    if Path(path).suffix.lower() in (".json", ".jsonl"):
        return [_record(values, f"{path}: entry {number}", images) for number, values in _entries(path)]
    delimiter, rows = read_rows(path)
    advice = ADVICE.get(delimiter, f"quote a label that has the delimiter {delimiter!r}")
    if not rows:
        raise UserError(f"{path} has no lines; write filename,label on each.")
    first = rows[0][1]
    if is_header(first):
        names, rows = header_columns(first, path), rows[1:]
    else:
        names = columns_without_header(rows, delimiter, path)
    escaped = is_header(first) and _is_own(first)
    return [
        _record(values, f"{path}:{number}", images)
        for number, cells in rows
        for values in _per_image(_values(names, cells, escaped, f"{path}:{number}", advice))
    ]


def _is_own(header: list[str]) -> bool:
    """Whether a header is that of our tables of predictions, in which what looks like a formula has an apostrophe.

    Columns after the confidence may be gone, writers and splits added. Without the confidence the header is that of
    many other tools, of whose labels the apostrophe is a part.
    """
    own = [name for name, role in zip(header, roles(header)) if role not in ("writer", "split")]
    return OWN_HEADER.fullmatch(",".join(own)) is not None


def _entries(path: str | Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields number and values of each object of a JSON list, or of each line of a JSON Lines file."""
    text = read_text(path)
    try:
        lines = [line for line in text.split("\n") if line.strip()]
        jsonl = Path(path).suffix.lower() == ".jsonl"
        read = functools.partial(json.loads, object_pairs_hook=unique_keys)
        entries = [read(line) for line in lines] if jsonl else read(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path} must hold a list of objects with filename and label or text.")
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry.get("lines"), list):
            raise UserError(f"{path} is what --page --output wrote; import pages as PAGE or ALTO, --output NAME.xml.")
        texts = {name: str(value) for name, value in entry.items() if isinstance(value, str | int)}
        # No text is an empty one; without a writer or a split there is none.
        if "label" not in roles(list(texts)):
            texts |= {name: "" for name, value in entry.items() if value is None and roles([name]) == ["label"]}
        names = roles(list(texts))
        if twice := next((name for name in COLUMNS if names.count(name) > 1), None):
            raise UserError(f"{path}: entry {number} has more than one key for {twice}: {', '.join(entry)}; keep one.")
        yield number, dict(zip(names, texts.values()))


def _values(names: list[str], cells: list[str], escaped: bool, where: str, advice: str) -> dict[str, str]:
    if len(cells) > len(names):
        raise UserError(f"{where} has {len(cells)} columns instead of {len(names)}; {advice}.")
    values = dict(zip(names, cells))
    if "filename" not in values or "label" not in values:
        raise UserError(f"{where} has {len(cells)} columns; write filename and label, separated as in the first line.")
    for name in ("filename", "label") if escaped else ():
        if escape_csv(values[name][1:]) == values[name]:
            values[name] = values[name][1:]
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
    if missing := [name for name in ("filename", "label") if name not in values]:
        raise UserError(f"{where} has no {missing[0]} that is text; give each word a filename and a label, in quotes.")
    label = _of_donut(values["label"], where)
    if not is_text(label):
        raise UserError(f"{where}: label {label!r} holds half a character (a lone surrogate); correct it.")
    filename = _relative(values["filename"], images)
    check_filename(filename, where)
    split = SPLIT_NAMES.get(values["split"].lower()) if "split" in values else None
    if "split" in values and split is None:
        raise UserError(f"{where}: split is {values['split']!r}; write train, val or test.")
    word = Word(filename, normalize_label(label.strip()), values.get("writer") or None)
    return LabelledWord(word, split=split)


def _of_donut(label: str, where: str) -> str:
    """Returns the text of a label as Donut's datasets on Hugging Face have it, `{"gt_parse": {"text_sequence": ...}}`.

    Other labels are returned unchanged; UserError if the JSON holds something else than a text, such as fields.
    """
    if not DONUT.match(label):
        return label
    try:
        text = json.loads(label)["gt_parse"]["text_sequence"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise UserError(f"{where}: the label is JSON without a text in gt_parse.text_sequence; write the text itself.")
    return text

"""Reads the rows of a text table with any delimiter and any quoting."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from preprocessing.image_file import IMAGE_ENDINGS
from preprocessing.importers.columns import is_header
from preprocessing.importers.labelled_word import read_text
from utils.errors import UserError

QUOTED = re.compile(r'"[^"]*"')
QUOTED_CELL = re.compile(r'"((?:[^"]|"")*)"')
FIRST_DELIMITER = re.compile(r'(?:"(?:[^"]|"")*"|[^,;\t|]*)([,;\t|])')
EXCEL_DELIMITER = re.compile(r'sep=([^" ])', re.IGNORECASE)
EASYOCR_HEADER = "filename,words"
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")

# Line number (from 1) and cells.
Row = tuple[int, list[str]]


def read_rows(path: str | Path) -> tuple[str, list[Row]]:
    """Returns the delimiter, and first line's number and stripped cells of every row with a cell that is not empty.

    Fields are separated by what Excel's `sep=` names, by tabs in .tsv files and where the first line has one, elsewhere
    by the first comma, semicolon or bar of that line. Raises UserError if the file can't be read or is malformed.
    """
    if Path(path).suffix.lower() in SPREADSHEETS:
        raise UserError(f"{path} is a spreadsheet; save it as CSV (UTF-8) and name that file.")
    # Old programs for the Mac end lines with the carriage return alone.
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    # Excel writes rows of delimiters alone, of cells that have a format and no content.
    delimiter, rows = _read(text, path)
    return delimiter, [(number, cells) for number, cells in rows if any(cells)]


def _read(text: str, path: str | Path) -> tuple[str, Iterable[Row]]:
    """Returns delimiter and rows of a table in the dialect of its first lines."""
    filled = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not filled:
        return ",", []
    # Not stripped of tabs, of which one may be what `sep=` names.
    if named := EXCEL_DELIMITER.fullmatch(filled[0][1].strip(" ")):
        rest = text.replace(filled[0][1], "", 1)
        return named[1], _unquoted(_tabbed(rest, path), True) if named[1] == "\t" else _rows(rest, named[1], path)
    first = filled[0][1].strip()
    if first.lower() == EASYOCR_HEADER and not _is_csv([line for _, line in filled]):
        # EasyOCR's labels.csv has no quotes: all after the first comma is the label.
        return ",", [(number, [part.strip() for part in line.split(",", 1)]) for number, line in filled]
    is_tsv = Path(path).suffix.lower() in (".tsv", ".tab")
    if is_tsv or "\t" in QUOTED.sub("", first):
        rows = _tabbed(text, path)
        quoted = _unquoted(rows, _quotes_whole_cells(rows))
        # PaddleOCR's lists have neither quoting nor a header.
        return "\t", quoted if is_tsv or is_header(quoted[0][1]) else rows
    found = FIRST_DELIMITER.match(first)
    delimiter = found[1] if found else ","
    return delimiter, _rows(text, delimiter, path)


def _tabbed(text: str, path: str | Path) -> list[Row]:
    rows = [
        (number, [cell.strip() for cell in line.split("\t")])
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    most = csv.field_size_limit()
    if long := next((number for number, cells in rows if max(map(len, cells)) > most), None):
        raise UserError(f"{path}:{long} has a cell of more than {most} characters; shorten it.")
    return rows


def _rows(text: str, delimiter: str, path: str | Path) -> Iterator[Row]:
    lines = text.split("\n")
    delimiters = next((line.count(delimiter) for line in lines if line.strip()), 0)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    begin = 1
    try:
        for cells in reader:
            if _holds_rows(cells, delimiter, delimiters):
                raise csv.Error("unclosed quote")
            if "".join(lines[begin - 1 : reader.line_num]).strip():
                yield begin, [cell.strip() for cell in cells]
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f'{path}:{begin} is malformed ({error}); write fields with quotes "like ""this""".') from None


def _holds_rows(cells: list[str], delimiter: str, delimiters: int) -> bool:
    """Whether a cell of several lines looks like rows of `delimiters` each, as after a quote that was never closed."""
    for lines in (cell.split("\n") for cell in cells if "\n" in cell):
        if any(delimiter in line and any(map(_names_image, line.split(delimiter))) for line in lines):
            return True
        # Of its first and last row the cell holds a part. Where files have endings, the commas are those of a label.
        counts = [line.count(delimiter) for line in lines]
        same = {counts[0] + counts[-1], *counts[1:-1]} == {delimiters}
        if delimiters and same and not any(map(_names_image, cells)):
            return True
    return False


def _names_image(cell: str) -> bool:
    return Path(cell.strip(' "')).suffix.lower() in IMAGE_ENDINGS


def _is_csv(lines: list[str]) -> bool:
    """Whether lines are what a writer of CSV makes of their content: quotes where a comma or quote needs them alone.

    EasyOCR's own files have unquoted commas, or quotes that nothing needs.
    """
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines), newline=""), strict=True))
    except csv.Error:
        return False
    again = io.StringIO()
    csv.writer(again, lineterminator="\n").writerows(rows)
    return all(len(cells) == 2 for cells in rows) and again.getvalue().rstrip("\n") == "\n".join(lines)


def _quotes_whole_cells(rows: list[Row]) -> bool:
    """Whether quotes around a cell of a table of tabs, without any within, are those of its writer, not of its content.

    R and pandas quote all texts, so the first cell or whole columns. Excel quotes cells with a comma, and all of them.
    No others quote a cell without tab or quote, and none writes single quotes within one: most such tables have no
    quoting.
    """
    cells = [cell for _, row in rows for cell in row]
    if len(cells[0]) > 2 and QUOTED_CELL.fullmatch(cells[0]):
        return True
    # Below a header, which may have none.
    if len(rows) > 2 and any(all(map(QUOTED_CELL.fullmatch, column)) for column in zip(*(row for _, row in rows[1:]))):
        return True
    matches = [(cell, QUOTED_CELL.fullmatch(cell)) for cell in cells]
    if any('"' in cell and not quoted for cell, quoted in matches):
        return False
    # Cells with quotes within are quoted by every writer.
    return all(("," in cell) == bool(quoted) for cell, quoted in matches if not (quoted and '"' in quoted[1]))


def _unquoted(rows: list[Row], whole: bool) -> list[Row]:
    """Returns the rows with the quotes taken off that a writer put around quotes, and if `whole`, around any cell."""

    def content(cell: str) -> str:
        quoted = QUOTED_CELL.fullmatch(cell)
        return quoted[1].replace('""', '"') if quoted and (whole or '"' in quoted[1]) else cell

    return [(number, [content(cell) for cell in cells]) for number, cells in rows]

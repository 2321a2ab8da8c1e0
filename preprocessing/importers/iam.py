"""Reads IAM's own files: words.txt, forms.txt and lists of form ids."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, read_text
from preprocessing.labels import Word
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError

WORD_ID = re.compile(r"\w+-\w+(-\w+)+")
FORM_ID = re.compile(r"\w+-\w+(-\w+)*")
SAMPLE = 200  # words by whose files the layout is recognised
NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True)
class PlacedWord:
    """A word of words.txt: its id, text, box (x, y, width, height) in pixels of the form, and file."""

    word_id: str
    text: str
    box: tuple[int, ...]
    filename: str


def read_words(path: str | Path, writers: dict[str, str]) -> KeptAndDropped:
    """Returns the words of words.txt and the malformed lines; file names are relative to `words`.

    `writers` is the writer of each form, as from `read_writers`; forms may be missing. Raises UserError if the file
    can't be read or has no line in IAM's format.
    """
    records, dropped = [], []
    for number, line in data_lines(path):
        parsed = _parse(line)
        if parsed is None:
            dropped.append(Dropped(f"{Path(path).name}:{number}", line, "malformed line"))
            continue
        word_id, segmented, label, _ = parsed
        form = form_of(word_id)
        records.append(LabelledWord(Word(_file_of(word_id), label, writers.get(form)), form=form, segmented=segmented))
    if not records:
        raise UserError(f"{path} has no line in the format of IAM's words.txt; check that it is that file.")
    return records, dropped


def in_layout_of(images: Path, records: list[LabelledWord]) -> list[LabelledWord]:
    """Returns the words with the file names of the layout on disk: IAM's own, doubled (`words/words`), or flat."""
    for layout in ("{0}", "words/{0}", "{1}", "words/{1}"):
        names = [layout.format(r.word.filename, Path(r.word.filename).name) for r in records[:SAMPLE]]
        if any((images / name).is_file() for name in names):
            break
    else:
        return records
    return [
        replace(r, word=replace(r.word, filename=layout.format(r.word.filename, Path(r.word.filename).name)))
        for r in records
    ]


def read_places(path: str | Path) -> Iterator[PlacedWord]:
    """Yields the words of words.txt with their places, in its order; UserError if it can't be read."""
    for _, line in data_lines(path):
        if parsed := _parse(line):
            word_id, _, label, box = parsed
            yield PlacedWord(word_id, label, box, _file_of(word_id))


def read_writers(path: str | Path) -> dict[str, str]:
    """Returns the writer of each form, from forms.txt; UserError if it can't be read or a line lacks the writer."""
    writers = {}
    for number, line in data_lines(path):
        form, *rest = line.split()
        if not rest:
            raise UserError(f"{path}:{number} has a form but no writer; check that it is IAM's forms.txt.")
        writers[form] = rest[0]
    return writers


def read_form_list(path: str | Path) -> set[str]:
    """Returns the form ids of a list of form or line ids (`a01-000u-00`); UserError for other lines or no such file."""
    forms = set()
    for number, line in data_lines(path):
        name = line.strip()
        if not FORM_ID.fullmatch(name):
            raise UserError(f"{path}:{number} is {name!r}; write one form id per line, such as a01-000u.")
        forms.add(form_of(name))
    return forms


def data_lines(path: str | Path) -> list[tuple[int, str]]:
    """Returns line numbers, from 1, and lines of a UTF-8 file, without blank lines and `#` comments."""
    # Not splitlines, which also splits at characters that a label may contain.
    lines = enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1)
    return [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]


def form_of(name: str) -> str:
    """Returns the form of a word or line id: `a01-000u` for `a01-000u-00-03`."""
    return "-".join(name.split("-")[:2])


def _file_of(word_id: str) -> str:
    """Returns the file of a word in IAM's own layout."""
    form = form_of(word_id)
    return f"{form.partition('-')[0]}/{form}/{word_id}.png"


def _parse(line: str) -> tuple[str, bool, str, tuple[int, ...]] | None:
    """Returns (word id, whether it is well segmented, label, box) of a line of words.txt; None if malformed.

    The file's header mentions a component count before x, y, w, h, but the lines of most copies lack it. No grammatical
    tag is a number, so a fifth number is that count. The label, the rest, may contain spaces.
    """
    fields = line.split()
    if len(fields) < 8 or not WORD_ID.fullmatch(fields[0]) or fields[1] not in ("ok", "er", "err"):
        return None
    box_end = 8 if NUMBER.fullmatch(fields[7]) else 7
    if not all(map(NUMBER.fullmatch, fields[2:box_end])):
        return None
    box = tuple(map(int, fields[box_end - 4 : box_end]))
    return fields[0], fields[1] == "ok", normalize_label(" ".join(fields[box_end + 1 :])), box

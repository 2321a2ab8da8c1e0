"""Reads IAM's own files: words.txt, lines.txt, forms.txt and lists of form ids."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preprocessing.image_file import IMAGE_ENDINGS
from preprocessing.importers.folders import listings
from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, NotUtf8, read_text
from preprocessing.labels import Word
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError

WORD_ID = re.compile(r"\w+-\w+(-\w+)+")
FORM_ID = re.compile(r"\w+-\w+(-\w+)*")
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
    return _read(path, writers, _parse_word)


def read_lines(path: str | Path, writers: dict[str, str]) -> KeptAndDropped:
    """Returns the lines of lines.txt, as `read_words` does words; file names are relative to `lines`.

    The tokens of a line, which the file separates by bars, are separated by spaces. Lines flagged `err` are kept: it is
    the words within them that could not be found, while picture and text are right.
    """
    return _read(path, writers, _parse_line)


# Id, whether it is well segmented, label, and box.
Parsed = tuple[str, bool, str, tuple[int, ...]]


def _read(path: str | Path, writers: dict[str, str], parse: Callable[[str], Parsed | None]) -> KeptAndDropped:
    records, dropped = [], []
    for number, line in data_lines(path):
        parsed = parse(line)
        if parsed is None:
            dropped.append(Dropped(f"{Path(path).name}:{number}", line, "malformed line"))
            continue
        name, segmented, label, _ = parsed
        form = form_of(name)
        records.append(LabelledWord(Word(_file_of(name), label, writers.get(form)), form=form, segmented=segmented))
    if not records:
        name = Path(path).name
        raise UserError(
            f"{path} has no line in the format of IAM's {name}; check that it is that file, or name the format of "
            "other data, such as --format gt_txt."
        )
    return records, dropped


def has_entries(path: str | Path) -> bool:
    """Returns whether a file has a line in the format of words.txt or lines.txt; UserError if it can't be read."""
    try:
        return any(_parse_word(line) or _parse_line(line) for _, line in data_lines(path))
    except NotUtf8:
        return False


def with_files_in(images: Path, records: list[LabelledWord], follow_links: bool = False) -> list[LabelledWord]:
    """Returns the words with the file names that they have on disk, in any folders below `images`.

    IAM's own layout has a folder for each form, copies are flat or doubled (`words/words`), and often hold a part of
    the pictures only: an id, which no two words share, tells more than the layout of the first ones. Linked folders
    are searched only with `follow_links`.
    """
    places = files_by_id(images, follow_links)
    return [replace(r, word=replace(r.word, filename=_found(r.word.filename, images, places))) for r in records]


def files_by_id(images: Path, follow_links: bool = False) -> dict[str, str]:
    """Returns the file of each id, relative to `images`, in any folders below it."""
    places: dict[str, str] = {}
    for path, names in listings(images, follow_links):
        place = path.relative_to(images)
        for name in names:
            if name.lower().endswith(IMAGE_ENDINGS):
                # Of several files of one id the first counts, so the outer one of two copies.
                places.setdefault(Path(name).stem, (place / name).as_posix())
    return places


def _found(filename: str, images: Path, places: dict[str, str]) -> str:
    found = places.get(Path(filename).stem, filename)
    return filename if found != filename and os.path.isfile(images / filename) else found


def read_places(path: str | Path) -> Iterator[PlacedWord]:
    """Yields the words of words.txt with their places, in its order; UserError if it can't be read."""
    for _, line in data_lines(path):
        if parsed := _parse_word(line):
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


def _file_of(name: str) -> str:
    """Returns the file of a word or line in IAM's own layout."""
    form = form_of(name)
    return f"{form.partition('-')[0]}/{form}/{name}.png"


def _parse_line(line: str) -> Parsed | None:
    """Returns a line of lines.txt: id, ok or err, grey level, number of components, x, y, w, h, text."""
    fields = line.split()
    if len(fields) < 8 or not FORM_ID.fullmatch(fields[0]) or fields[1] not in ("ok", "er", "err"):
        return None
    if not all(map(NUMBER.fullmatch, fields[2:8])):
        return None
    label = " ".join(" ".join(fields[8:]).replace("|", " ").split())
    return fields[0], True, normalize_label(label), tuple(map(int, fields[4:8]))


def _parse_word(line: str) -> Parsed | None:
    """Returns a line of words.txt; None if malformed.

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

"""The folder of pages that are being corrected.

datasets/corrections/NAME/
    labels.json, labels.tsv     the corrected lines (corrections.py)
    PAGE/page.json              a page as it was read
    PAGE/picture.jpg            its picture, picture.png of one that JPEG can't hold
    PAGE/000.png, ...           the pictures of its lines
"""

import json
import os
import re
import secrets
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from preprocessing.page.layout import CORRECTED, Line, Page, PageWord
from preprocessing.page.strips import cut_strip
from tools.serve.corrections import Corrections
from utils.errors import UserError, shorten
from utils.files import is_stale, write_text
from utils.log import log

PAGE_FILE, PICTURES = "page.json", ("picture.jpg", "picture.png")
LONGEST_JPEG = 65_500  # pixels
PAGE_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
PART = ".part"


@dataclass(frozen=True)
class Summary:
    """A page in a list: id, name of its file, number in that file, number of its lines and of those corrected."""

    id: str
    filename: str
    page: int
    lines: int
    saved: int = 0


class Store:
    """A folder of pages and their corrections; several threads and processes may use it at once.

    Raises UserError if its labels are damaged or it can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corrections = Corrections(folder)
        self._summaries: dict[str, Summary] = {}  # Pages keep their lines.
        self._damaged: set[str] = set()  # ids that the log has named
        for rest in folder.glob(f".*{PART}"):  # of processes that were killed while they added a page
            if is_stale(rest):
                shutil.rmtree(rest, ignore_errors=True)

    def add(self, pixels: np.ndarray, page: Page) -> str:
        """Adds a read page, whole or not at all; returns its id.

        Args:
            pixels: of the page, uint8 (h, w) or (h, w, 3) RGB.
        """
        now = time.time()
        # The fraction of the second keeps the order of pages that are read quickly.
        fraction = f"{int(now % 1 * 2**16):04x}{secrets.token_hex(2)}"
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{fraction}"
        part = self.folder / f".{name}{PART}"
        try:
            part.mkdir(parents=True)
            Image.fromarray(pixels).save(part / PICTURES[max(pixels.shape) > LONGEST_JPEG], quality=88)
            for number, line in enumerate(page.lines):
                strip = pixels if line.polygon == whole_picture(page.width, page.height) else cut_strip(pixels, line)
                Image.fromarray(strip).save(part / _picture(number))
            (part / PAGE_FILE).write_text(_written(page), encoding="utf-8")
            _sync(part)
            part.rename(self.folder / name)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise UserError(f"Can't write {self.folder}: {error.strerror or error}.") from None
        return name

    def replace(self, page_id: str, page: Page) -> None:
        """Replaces what was read on a page, line for line; what is saved of its lines stays."""
        if (folder := self._folder(page_id)) is not None:
            write_text(folder / PAGE_FILE, _written(page))

    def pages(self) -> list[Summary]:
        """Returns what each page is, the newest first; without those whose `page.json` is missing or damaged."""
        saved = Counter(name.partition("/")[0] for name in self.corrections.texts())
        found = map(self._summary, sorted(self._ids(), reverse=True))
        return [replace(summary, saved=saved[summary.id]) for summary in found if summary]

    def page(self, page_id: str) -> Page | None:
        """Returns a page as it was read; None if there is none of this id, or its `page.json` is missing or damaged."""
        return self._read(page_id) if self._folder(page_id) else None

    def saved(self, page_id: str, page: Page) -> list[str | None]:
        """Returns the saved text of each line of a page, None where none is saved."""
        saved = self.corrections.texts()
        return [saved.get(_name(page_id, number)) for number in range(len(page.lines))]

    def corrected(self, page_id: str) -> Page | None:
        """Returns a page with its corrections, for export, without the lines that hold no text."""
        page = self.page(page_id)
        if page is None:
            return None
        saved = self.saved(page_id, page)
        lines = [line if text is None else _with_text(line, text) for line, text in zip(page.lines, saved)]
        creator = page.creator if all(text is None for text in saved) else CORRECTED
        return replace(page, lines=tuple(line for line in lines if line.text), creator=creator)

    def picture(self, page_id: str, line: int | None = None) -> Path | None:
        """Returns the path of the picture of a page, or of a line of it; None if there is none."""
        folder = self._folder(page_id)
        names = PICTURES if line is None else (_picture(line),)
        return next((folder / name for name in names if (folder / name).is_file()), None) if folder else None

    def save(self, page_id: str, line: int, text: str | None, before: str | None) -> str | None:
        """Saves the text of a line, see `Corrections.save`; raises KeyError if there is no such line."""
        if self.picture(page_id, line) is None:
            raise KeyError(page_id, line)
        return self.corrections.save(_name(page_id, line), text, before)

    def held_back(self) -> list[tuple[Path, str]]:
        """Returns picture and text of each line for validation."""
        return [(self.folder / name, text) for name, text in self.corrections.held_back().items()]

    def _ids(self) -> list[str]:
        return [entry.name for entry in os.scandir(self.folder) if PAGE_ID.fullmatch(entry.name)]

    def _read(self, page_id: str) -> Page | None:
        path = self.folder / page_id / PAGE_FILE
        try:
            return _page(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            if page_id not in self._damaged:
                self._damaged.add(page_id)
                log(f"{path} can't be read ({shorten(repr(error))}); restore it, or delete its folder.")
            return None

    def _summary(self, page_id: str) -> Summary | None:
        if page_id not in self._summaries and (page := self._read(page_id)):
            self._summaries[page_id] = Summary(page_id, page.filename, page.number, len(page.lines))
        return self._summaries.get(page_id)

    def _folder(self, page_id: str) -> Path | None:
        """Returns a page's folder under the name found on disk: no text of a request becomes a path."""
        return next((self.folder / name for name in self._ids() if name == page_id), None)


def whole_picture(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """Returns the outline of a line that is a picture of its own."""
    return (0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))


def _with_text(line: Line, text: str) -> Line:
    """Returns a corrected line; its words keep their places if their number is the same."""
    texts = text.split()
    words = tuple(PageWord(new, 1.0, word.box) for new, word in zip(texts, line.words))
    return replace(line, text=text, confidence=None, words=words if len(texts) == len(line.words) else ())


def _written(page: Page) -> str:
    """Returns the content of a `page.json`."""
    return json.dumps(asdict(page), ensure_ascii=False)


def _page(values: dict[str, Any]) -> Page:
    """Returns the page of a `page.json`."""
    lines = []
    for line in values["lines"]:
        words = tuple(PageWord(word["text"], word["confidence"], tuple(word["box"])) for word in line["words"])
        points = {name: tuple(map(tuple, line[name])) for name in ("polygon", "baseline")}
        rest = {name: tuple(line[name]) for name in ("character_confidences", "alternatives")}
        lines.append(Line(**{**line, **points, **rest, "words": words}))
    return Page(**{**values, "lines": tuple(lines)})


def _name(page_id: str, line: int) -> str:
    return f"{page_id}/{_picture(line)}"


def _picture(line: int) -> str:
    return f"{line:03}.png"


def _sync(folder: Path) -> None:
    """Brings the files of a folder to the disk: labels must not outlive their pictures."""
    for path in folder.iterdir():
        with open(path, "rb+") as file:
            os.fsync(file.fileno())

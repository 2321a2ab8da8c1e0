"""Writes read pages to the files that --output and --overlay name."""

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from predictors.page_formats.alto import to_alto
from predictors.page_formats.hocr import to_hocr
from predictors.page_formats.page_json import to_json
from predictors.page_formats.page_xml import to_page_xml
from predictors.page_formats.text import to_text
from predictors.page_overlay import draw_overlay
from preprocessing.page.layout import CORRECTED, PROGRAM, Page
from utils.errors import UserError
from utils.files import atomic_write, check_writable, open_regular, output_kind, write_json, write_text
from utils.log import log

NUMBERED = re.compile(r"(-\d+)?(_\d+)?$")  # suffixes that the names of pages add to their picture's
HEAD = 4096  # bytes in which a format names the program


class PageOutput:
    """Collects pages for one file (.txt, .json, .hocr), or writes each to an XML file of its own.

    PAGE and ALTO hold one page a file. The only page is written to `output` itself, several to files named after their
    pictures, `inputs`, in the folder named like `output` without its extension, in subfolders like those of the
    pictures. Raises UserError if `output` can't be written or is one of `inputs`, or if it or an XML file in that
    folder is from another program.
    """

    def __init__(self, output: str, xml_format: str, min_confidence: float | None, inputs: Sequence[Path]) -> None:
        self._path = Path(output)
        self._kind, self._folder = output_kind(output), self._path.with_suffix("")
        self._to_xml = to_alto if xml_format == "alto" else to_page_xml
        self._min_confidence = min_confidence
        self._pages: list[Page] = []
        self._names = _Names(inputs)
        check_writable(self._path, inputs)
        if self._kind == ".xml":
            self._refuse_xml_of_others(inputs)

    def _refuse_xml_of_others(self, inputs: Sequence[Path]) -> None:
        if self._folder.is_file():
            raise UserError(
                f"{self._folder} is a file, where a folder would be for further pages; name another --output."
            )
        several = len(inputs) > 1 or any(path.suffix.lower() in (".pdf", ".tif", ".tiff") for path in inputs)
        _refuse_others([self._path, *(self._folder.rglob("*.xml") if several else ())], "--output")

    def add(self, page: Page) -> None:
        """Takes the next page."""
        self._pages.append(page)
        if self._kind == ".xml" and len(self._pages) > 1:
            self._write_to_folder()

    def close(self, is_finished: bool = True) -> None:
        """Writes what is not yet written, also after an interruption, so that no finished page is lost.

        Where no page could be read, an earlier result is replaced by an empty one, unless the reading was interrupted
        or the format is XML, which has no empty form.
        """
        if self._names.taken or (not self._pages and (self._kind == ".xml" or not is_finished)):
            return
        if self._kind == ".json":
            write_json(self._path, to_json(self._pages, self._min_confidence))
        elif self._kind == ".xml":
            write_text(self._path, self._to_xml(self._pages[0]))
        else:
            write_text(self._path, to_hocr(self._pages) if self._kind == ".hocr" else to_text(self._pages))

    def _write_to_folder(self) -> None:
        """Writes the collected pages; the first stays in the list, so that the next one counts as a further page."""
        if not self._names.taken:
            # The number of pages in a file is known only now: a TIFF may be named .jpg.
            _refuse_others(self._folder.rglob("*.xml"), "--output")
            log(f"One XML file holds one page; the pages are written to the folder {self._folder}.")
        for page in self._pages if not self._names.taken else self._pages[1:]:
            write_text(self._folder / f"{self._names.of(page)}.xml", self._to_xml(page))
        del self._pages[1:]


def _refuse_others(paths: Iterable[Path], option: str) -> None:
    """Raises UserError if a file that may be replaced does not name this program at its head, or holds corrections."""
    for path in paths:
        if path.name.startswith(".") or not path.is_file():
            continue
        with contextlib.suppress(OSError), open_regular(path) as file:
            head = file.read(HEAD)
            if not head or (PROGRAM.encode() in head and CORRECTED.encode() not in head):
                continue
        raise UserError(
            f"{path} might be replaced, and holds corrections, or is not of this program or of an older version; "
            f"name another {option}."
        )


class OverlayFolder:
    """A folder of pictures of pages with their lines.

    Raises UserError if it can't be written, or holds one of the pictures that are read, or others of their names, which
    would be replaced.
    """

    def __init__(self, folder: str, min_confidence: float | None, inputs: Sequence[Path] = ()) -> None:
        self._folder, self._min_confidence, self._names = Path(folder), min_confidence, _Names(inputs)
        if self._folder.exists() and not self._folder.is_dir():
            raise UserError(f"--overlay {folder} is no folder; name one.")
        if within := _first_within(self._folder, inputs):
            raise UserError(f"--overlay {folder} holds {within}, which would be replaced; name another folder.")
        stems = {path.stem for path in inputs}
        named = (path for path in self._folder.rglob("*.jpg") if stems & {path.stem, NUMBERED.sub("", path.stem)})
        _refuse_others(named, "--overlay")
        check_writable(self._folder / "page.jpg")

    def add(self, pixels: np.ndarray, page: Page) -> None:
        """Writes the overlay of a page."""
        with atomic_write(self._folder / f"{self._names.of(page)}.jpg") as temporary:
            overlay = draw_overlay(pixels, page, self._min_confidence)
            overlay.save(temporary, "JPEG", quality=88, comment=PROGRAM)


def _first_within(folder: Path, inputs: Sequence[Path]) -> Path | None:
    return next((path for path in inputs if path.resolve().is_relative_to(folder.resolve())), None)


class _Names:
    """Gives pages unique paths without extension: those of their pictures, `inputs`, relative to the common folder."""

    def __init__(self, inputs: Sequence[Path]) -> None:
        self.taken: set[str] = set()
        folders = {_folder_of(path) for path in inputs}
        self.root: Path | None = None
        if len(folders) > 1:
            with contextlib.suppress(ValueError):  # Pictures on several drives of Windows have no folder in common.
                self.root = Path(os.path.commonpath(folders))

    def of(self, page: Page) -> str:
        path = Path(page.filename)
        place = _folder_of(path).relative_to(self.root).as_posix() + "/" if self.root else ""
        stem = place.removeprefix("./") + path.stem + (f"-{page.number}" if page.number > 1 else "")
        name, copy = stem, 1
        while name.lower() in self.taken:
            copy += 1
            name = f"{stem}_{copy}"
        self.taken.add(name.lower())
        return name


def _folder_of(path: Path) -> Path:
    """Returns the folder in which a picture was named; of a link not that of its target."""
    return Path(os.path.abspath(path)).parent

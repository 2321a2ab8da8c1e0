"""Explains why an image is missing: what in its name differs from a file that is there."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from preprocessing.image_file import IMAGE_ENDINGS
from preprocessing.importers.folders import nfc

CASE = "upper and lower case must be those on disk"


def why_missing(folder: Path, filename: str) -> str:
    """Returns a sentence about a missing image: the path that was looked for, and a file that was probably meant."""
    sought = f"looked for {folder / filename}"
    if os.path.islink(folder / filename):
        return f"{sought}, a link to {os.readlink(folder / filename)}, where no file is: fetch the files of its store"
    guesses = [(path, causes) for name, causes in _names(folder, filename) for path, causes in _similar(name, causes)]
    if not guesses:
        return f"{sought}, and nothing in {folder} has a similar name"
    # The file that needs the fewest corrections was meant.
    path, causes = min(guesses, key=lambda guess: len(guess[1]))
    return f"{sought}; {path} exists: {', and '.join(causes)}"


# A folder and the names that lead down from it, with what was wrong with the name so far.
Guess = tuple[tuple[Path, list[str]], list[str]]


def _names(folder: Path, filename: str) -> Iterator[Guess]:
    """Yields where the name may have started from, and what is wrong with it then."""
    parts = [part for part in filename.replace("\\", "/").split("/") if part not in ("", ".")]
    causes = ["write / for \\ in file names"] if "\\" in filename else []
    yield (folder, parts), causes
    if len(parts) > 1:
        first = f"file names must not begin with {parts[0]}/, or --images must be the folder above"
        yield (folder, parts[1:]), [*causes, first]
    yield (folder / folder.name, parts), [*causes, f"--images must be {folder / folder.name}"]
    if len(parts) > 2:
        yield (folder, parts[-1:]), [*causes, "file names must not hold folders"]


def _similar(name: tuple[Path, list[str]], causes: list[str]) -> Iterator[tuple[Path, list[str]]]:
    """Yields the files that a name may mean, each folder's names taken loosely, and all that is wrong with it."""
    path, parts = name
    if not parts:
        if os.path.isfile(path):
            yield path, causes
        return
    part, *rest = parts
    try:
        entries = sorted(os.listdir(path))
    except (OSError, ValueError):  # no folder, one of others, or a name that none can have
        return
    for entry in entries:
        if (wrong := _difference(part, entry, last=not rest)) is not None:
            new = [cause for cause in wrong if cause not in causes]
            yield from _similar((path / entry, rest), [*causes, *new])


def _difference(meant: str, entry: str, last: bool) -> list[str] | None:
    """Returns what is wrong with a name that means an entry of a folder; None if it means another one."""
    if meant == entry:
        return []
    causes = []
    form: Literal["NFC", "NFD"] = "NFC" if unicodedata.is_normalized("NFC", entry) else "NFD"
    if unicodedata.normalize(form, meant) != meant:
        causes.append(f"the names on disk are in Unicode's form {form}")
    meant, entry = nfc(meant), nfc(entry)
    stem, ending = os.path.splitext(entry)
    if last and ending.lower() in IMAGE_ENDINGS and meant.casefold() != entry.casefold():
        own = os.path.splitext(meant)[1]
        own = own if own.lower() in IMAGE_ENDINGS else ""
        causes.append(f"file names need their ending {ending}" + (f" instead of {own}" if own else ""))
        meant, entry = meant.removesuffix(own), stem
    if meant.casefold() != entry.casefold():
        return None
    return causes if meant == entry else [*causes, CASE]

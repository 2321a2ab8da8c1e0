"""Lists the files of a source, without those that only an operating system put there."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from utils.errors import UserError
from utils.log import log

# The Mac's archives hold a `._a.xml` for each a.xml, beside it or in the first; the root of a disk has the second.
IGNORED_FOLDERS = ("__MACOSX", "lost+found")


def nfc(name: str) -> str:
    """Returns a file's name in Unicode NFC: names that were written on a Mac may be in NFD."""
    return unicodedata.normalize("NFC", name)


def listings(folder: Path, follow_links: bool = False) -> Iterator[tuple[Path, list[str]]]:
    """Yields the folders of a tree, in order, with the sorted names of their files; each folder is read once.

    Hidden files and folders are left out, and unless `follow_links` links to folders, which are named on stderr. Raises
    UserError if a folder can't be listed.
    """
    links: list[Path] = []
    yield from _walk(folder, follow_links, links)
    if links:
        log(f"Linked folders that are not searched: {len(links)}, such as {links[0]}.")


def files_ending(folder: Path, ending: str, follow_links: bool = False) -> Iterator[Path]:
    """Yields the files of a tree with an ending in lower case, which theirs may be in either case."""
    found = listings(folder, follow_links)
    return (path / name for path, names in found for name in names if name.lower().endswith(ending))


def has_ending(folder: Path, ending: str, follow_links: bool = False) -> bool:
    """Returns whether `files_ending` finds any, without naming links."""
    return any(name.lower().endswith(ending) for _, names in _walk(folder, follow_links, []) for name in names)


def _walk(folder: Path, follow_links: bool, links: list[Path]) -> Iterator[tuple[Path, list[str]]]:
    """Yields folders and names as `listings`; appends linked folders that are not followed to `links`."""
    seen = {os.path.realpath(folder)}
    for path, folders, names in os.walk(folder, onerror=_refuse, followlinks=follow_links):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED_FOLDERS)
        if follow_links:  # They may lead in a circle.
            places = {name: os.path.realpath(os.path.join(path, name)) for name in folders}
            folders[:] = [name for name in folders if places[name] not in seen]
            seen.update(places.values())
        else:
            links += [Path(path, name) for name in folders if os.path.islink(os.path.join(path, name))]
        yield Path(path), sorted(name for name in names if not name.startswith("."))


def _refuse(error: OSError) -> None:
    raise UserError(f"{error.filename} can't be read: {error.strerror}.") from None

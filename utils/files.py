"""Writing files so that a reader never sees half of one."""

import contextlib
import csv
import errno
import io
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from utils.errors import UserError
from utils.escaping import escape_csv, escape_json

LONGEST_STEM = 50  # characters, of up to four bytes each
# Since its last change; a younger file may belong to a process that is still writing it.
STALE_SECONDS = 3600


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; when the block ends well, it replaces `path`.

    The content reaches the disk (fsync) before the rename, so a crash leaves either the old file or the new one, and a
    failure inside the block leaves the old one. Stale temporaries that killed processes have left of the same file are
    removed. Raises UserError if the folder can't be written or the disk is full.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path.parent, _stem(path))
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        if os.name == "posix":  # Makes the rename durable; Windows needs and can do nothing.
            with contextlib.suppress(OSError):  # Some file systems can't; the file itself is whole.
                handle = os.open(path.parent, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"Can't write {path}: {reason}; the previous file, if any, is kept.") from error


def open_regular(path: str | Path) -> BinaryIO:
    """Opens a file for reading bytes; OSError also if it is no regular one: a pipe may block and a device never end."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def write_text(path: str | Path, text: str) -> None:
    """Replaces `path` by `text` (UTF-8; lone surrogates, as in odd file names, are escaped), atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[dict[str, Any]], delimiter: str = ",") -> None:
    """Replaces `path` by a table with a header, atomically; a row may lack columns; text goes through `escape_csv`."""
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, lineterminator="\n")
    for cells in (columns, *([row.get(column) for column in columns] for row in rows)):
        writer.writerow([escape_csv(cell) if isinstance(cell, str) else cell for cell in cells])
    write_text(path, table.getvalue())


def write_json(path: str | Path, value: Any, indent: int | None = 2) -> None:
    """Replaces `path` by `value` as JSON, atomically."""
    write_text(path, escape_json(json.dumps(value, ensure_ascii=False, indent=indent)) + "\n")


def output_kind(name: str | Path) -> str:
    """Returns the ending of a file's name in lower case, with its dot; "" for `.json`, a name without ending."""
    return os.path.splitext(name)[1].lower()


def check_writable(path: str | Path, inputs: Iterable[Path] = ()) -> None:
    """Raises UserError if `path` could not be written, or would replace one of `inputs`; called before long work."""
    path = Path(path)
    if os.path.isdir(path):
        raise UserError(f"Can't write {path}: it is a folder; name a file.")
    if os.path.exists(path) and os.path.realpath(path) in set(map(os.path.realpath, inputs)):
        raise UserError(f"Can't write {path}: it is read, and would be replaced; name another file.")
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        temporary.unlink()
        with contextlib.suppress(FileNotFoundError):
            path.lstat()  # A temporary's name is shorter than the file's may be.
    except FileExistsError:
        raise UserError(f"Can't write {path}: {path.parent} is no folder.") from None
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror or error}.") from None


def check_absent(path: str | Path) -> None:
    """Raises UserError if `path` exists; called before long work that would replace what was made before."""
    if os.path.lexists(path):
        raise UserError(f"{path} is there already; name another folder, or move it away.")


def is_stale(path: str | Path) -> bool:
    """Whether a file was last changed so long ago that no process is still writing it."""
    try:
        return time.time() - os.stat(path).st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False


def remove_stale(folder: Path, name: str) -> None:
    """Removes stale temporaries that killed processes have left in `folder`, of files whose names start with `name`."""
    if not folder.is_dir():
        return
    ours = re.compile(re.escape(f".{name}") + r"(-.*)?-[a-z0-9_]{8}\.part(\..*)?")
    for entry in os.scandir(folder):
        if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) and is_stale(entry.path):
            with contextlib.suppress(OSError):  # another process may remove it, too
                os.unlink(entry.path)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether `path` stays in `folder` once all links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _temporary(path: Path) -> Path:
    # Some writers choose the format by the file's endings, so they stay last; what follows another dot is none.
    endings = re.search(r"(\.\w{1,10})*$", path.name)
    return path.parent / f".{_stem(path)}-{secrets.token_hex(4)}.part{endings[0] if endings else ''}"


def _stem(path: Path) -> str:
    """Returns the beginning of a temporary's name, which must not be longer than file names can be."""
    return path.stem[:LONGEST_STEM]

"""Writing files so that a reader never sees half of one."""

import contextlib
import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.errors import UserError


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; when the block ends well, it replaces `path`.

    The content reaches the disk (fsync) before the rename, so a crash leaves either the old
    file or the new one, and a failure inside the block leaves the old one.

    Raises:
        UserError: the folder can't be written or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix="".join(path.suffixes), dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~UMASK)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"Can't write {one_line(path)}: {reason}; the previous file, if any, is kept."
        ) from error


def write_text(path: str | Path, text: str) -> None:
    """Replaces `path` by `text` (UTF-8), atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Replaces `path` by a table with a header, atomically; a row may lack columns."""
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())


def write_json(path: str | Path, value: Any, indent: int | None = 2) -> None:
    """Replaces `path` by `value` as JSON, atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def one_line(text: object) -> str:
    """`text` (such as a path) fit for a one-line message: what can't be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


# Asked for once: the system tells it only by changing it, which threads would see.
UMASK = _umask()


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable; folders can't be opened on Windows, where it is not needed."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

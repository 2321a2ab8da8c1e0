"""One training per experiment folder, one process that makes a dataset."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from utils.errors import UserError
from utils.log import log

try:
    import fcntl
except ImportError:  # Windows has no flock; there two trainings in one folder are not detected.
    fcntl = None  # type: ignore[assignment]

LOCK_FILE = ".lock"


@contextlib.contextmanager
def experiment_lock(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the system lets go of it however the process ends.

    Raises:
        UserError: another process trains in the folder, or it can't be written.
    """
    with _opened(folder, "write to experiment_folder") as file:
        if not _taken(file):
            holder = file.read(20).strip()
            raise UserError(
                f"Process {holder or '?'} is training in {folder}; "
                "wait for it, stop it, or set another experiment_folder."
            )
        # The number only helps the message above: a full disk must not stop a training that fits.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        yield


@contextlib.contextmanager
def dataset_lock(folder: Path) -> Iterator[None]:
    """Holds the folder of a dataset that is being made; waits for another process that makes it.

    Raises:
        UserError: the folder can't be written.
    """
    with _opened(folder, "create the dataset in") as file:
        if not _taken(file):
            log(f"Another process makes the dataset in {folder}; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _opened(folder: Path, what: str) -> Iterator[IO[str]]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not through a link: its target would be cut to nothing.
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        raise UserError(f"Can't {what} {folder}: {error.strerror}.") from None
    with os.fdopen(handle, "r", errors="replace") as file:
        yield file


def _taken(file: IO[str]) -> bool:
    """Whether this process has the lock now, as far as the system knows of locks."""
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # Some network file systems have no locks; there it is as on Windows.
    return True

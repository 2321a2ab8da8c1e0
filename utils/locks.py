"""One training per experiment or learning folder, one process that makes a dataset or saves a correction."""

import contextlib
import errno
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import UserError
from utils.log import log

LOCK_FILE = ".lock"  # may stay behind; the lock itself ends with its process
LEARN = "learn from corrections in"
LOOK = 0.05  # seconds until a second try
_looking = threading.Lock()


def experiment_lock(folder: Path) -> contextlib.AbstractContextManager:
    """Locks the folder, without waiting; UserError if another process trains in it, or if it can't be written."""
    try:
        return _acquire(folder, "write to experiment_folder", timeout=0)
    except Timeout:
        raise UserError(f"Another process trains in {folder}; wait, end it or set another experiment_folder.") from None


def learning_lock(folder: Path) -> contextlib.AbstractContextManager:
    """Locks the folder of trainings on corrections; UserError if one runs there, or if it can't be written."""
    try:
        # Longer than others hold it to look.
        return _acquire(folder, LEARN, timeout=2)
    except Timeout:
        raise UserError(f"Another training on corrections runs in {folder}; wait for its end, or end it.") from None


def is_learning(folder: Path) -> bool:
    """Whether a process holds `learning_lock` of the folder; UserError if that is unknown."""
    if not (folder / LOCK_FILE).exists():
        return False
    try:
        # Who looks holds the lock for a moment: the threads of a process take turns, and another process is waited for.
        with _looking, _acquire(folder, LEARN, timeout=LOOK):
            return False
    except Timeout:
        return True


def dataset_lock(folder: Path) -> contextlib.AbstractContextManager:
    """Locks the folder of a dataset to be made, after any other process making it; UserError if it can't be written."""
    purpose = "create the dataset in"
    try:
        return _acquire(folder, purpose, timeout=0)
    except Timeout:
        log(f"Another process makes the dataset in {folder}; waiting for it.")
        return _acquire(folder, purpose, timeout=-1)


def corrections_lock(folder: Path) -> contextlib.AbstractContextManager:
    """Locks a folder of corrections, for the moment of a save; UserError if it can't be written."""
    return _acquire(folder, "save corrections in", timeout=-1)


def _acquire(folder: Path, purpose: str, timeout: float) -> contextlib.AbstractContextManager:
    """Returns the acquired lock, which the end of a `with` block releases; Timeout if another process holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / LOCK_FILE).acquire(timeout=timeout)
    except Timeout:
        raise
    except OSError as error:
        # Some network file systems have no locks: there two processes are not kept apart.
        if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
            return contextlib.nullcontext()
        raise UserError(f"Can't {purpose} {folder}: {error.strerror or error}.") from None

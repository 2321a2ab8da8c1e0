"""One training per experiment folder."""

import contextlib
import os
from pathlib import Path
from typing import Iterator

from utils.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has no flock; there two trainings in one folder are not detected.
    fcntl = None


@contextlib.contextmanager
def experiment_lock(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the system lets go of it however the process ends.

    Raises:
        UserError: another process trains in the folder, or it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".lock", "a+")
    except OSError as error:
        raise UserError(f"Can't write to experiment_folder {folder}: {error.strerror}.") from None
    with file:
        if fcntl:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise UserError(
                    f"Process {file.read().strip() or '?'} is training in {folder}; "
                    "wait for it, stop it, or set another experiment_folder."
                ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield

"""One training per experiment folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from utils.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has no flock; there two trainings in one folder are not detected.
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def experiment_lock(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the system lets go of it however the process ends.

    Raises:
        UserError: another process trains in the folder, or it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not through a link: its target would be cut to nothing.
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        raise UserError(f"Can't write to experiment_folder {folder}: {error.strerror}.") from None
    with os.fdopen(handle, "r", errors="replace") as file:
        if fcntl:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read(20).strip()
                raise UserError(
                    f"Process {holder or '?'} is training in {folder}; "
                    "wait for it, stop it, or set another experiment_folder."
                ) from None
            except OSError:
                pass  # Some network file systems have no locks; there it is as on Windows.
        # The number only helps the message above: a full disk must not stop a training that fits.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield

"""Messages for the person watching; results alone go to stdout."""

import contextlib
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from utils.escaping import one_line


class _Watched:
    """The present stderr; if it is closed, a terminal that is gone or a log on a full disk stops no work."""

    encoding = property(lambda self: getattr(sys.stderr, "encoding", None))

    def write(self, text: str) -> None:
        # Closed by `2>&-`, it is None. RuntimeError: a signal's message that comes in the middle of another one.
        with contextlib.suppress(AttributeError, OSError, ValueError, RuntimeError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(AttributeError, OSError, ValueError, RuntimeError):
            sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty()

    def fileno(self) -> int:
        return sys.stderr.fileno()


STDERR = _Watched()


def log(message: str) -> None:
    """Writes one line to stderr without breaking a progress bar; what can't be printed is escaped."""
    tqdm.write(one_line(message), file=STDERR)


def progress_bar(items: Iterable | None = None, **options: Any) -> tqdm:
    """Returns a tqdm bar on stderr, with tqdm's options."""
    return tqdm(items, file=STDERR, **{"dynamic_ncols": True, **options})


def print_result(line: str) -> None:
    """Writes one line to stdout at once, without breaking a progress bar on the same terminal."""
    if sys.stdout and sys.stdout.isatty():
        with tqdm.external_write_mode(file=STDERR):
            print(line, flush=True)
    else:
        print(line, flush=True)

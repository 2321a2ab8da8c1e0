"""How every command of the project ends: an exit code, and a line on stderr instead of a traceback."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from utils.errors import Interrupted, UserError
from utils.log import log
from utils.system import is_out_of_memory


class Terminated(KeyboardInterrupt):
    """SIGTERM, which cleans up as Ctrl-C does: no temporary file or process is left behind."""


def run_command(job: Callable[[], int], interrupted: str = "Interrupted; nothing is half-written.") -> int:
    """Runs the job of a command line.

    Args:
        interrupted: what to say where the job is stopped and has not said anything better.

    Returns:
        the job's exit code; 2 the user can mend it, 130 or 143 stopped by Ctrl-C or SIGTERM, 141 whoever
        read the output has left.
    """
    # Labels hold any character; a terminal that can't show one must not stop the work.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        with _terminable():
            code = job()
            sys.stdout.flush()
            return code
    except UserError as error:
        for sentence in str(error).split("\n"):
            log(sentence)
        return 2
    except Interrupted as error:
        log(str(error))
        return error.exit_code
    except KeyboardInterrupt as error:
        log(interrupted)
        return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)
    except BrokenPipeError:
        # Whoever read our output (`| head`) has seen enough.
        _close_output()
        return 141
    except OSError as error:
        # Where no better sentence was found: a full disk behind `> FILE`, a folder without permission.
        log(f"Can't use {error.filename or 'the output'}: {error.strerror or error}.")
        _close_output()
        return 2
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        log("Out of memory; lower train.batch_size, predict.batch_size or the network's size.")
        return 2


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Within the block SIGTERM raises `Terminated`, a second one ends at once; other handlers are left."""
    # Python lets only the main thread handle signals.
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated


def _close_output() -> None:
    """Lets go of a stdout that takes no more; Python would complain again while closing it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

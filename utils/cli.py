"""Exit codes, one line on stderr instead of a traceback, and types of options, for all commands."""

import argparse
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

AGAIN = 0.02  # seconds after which a signal comes again that a callback has swallowed


class Terminated(KeyboardInterrupt):
    """SIGTERM, which cleans up as Ctrl-C does: no temporary file or process is left behind."""


def number(kind: type, low: float, high: float = float("inf")) -> Callable[[str], Any]:
    """Returns a type for argparse: an `int` or a `float` from `low` to `high`."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            limits = f"{low:g} to {high:g}" if high < float("inf") else f"{low:g} or more"
            raise argparse.ArgumentTypeError(f"{text} is no number of {limits}")
        return value

    return parse


def add_config_options(parser: argparse.ArgumentParser, default: str = "configs/config.yml") -> None:
    """Adds the options that name a config and override its keys."""
    parser.add_argument("-c", "--conf", default=default, help="config file (default: %(default)s)")
    override = "override config keys"
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY.PATH=VALUE", help=override)


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    """Adds the option that limits the size of image files."""
    from utils.config.image import ImageConfig  # Not for all commands: it imports pydantic.

    most = ImageConfig().max_pixels
    leave_out = "leave out larger images (default: %(default)s)"
    parser.add_argument("--max_pixels", type=number(int, 1), default=most, help=leave_out)


def run_command(job: Callable[[], int], interrupted: str = "Interrupted; nothing is half-written.") -> int:
    """Runs the job of a command line and returns its exit code.

    2 stands for errors that the user can correct, 130 or 143 for Ctrl-C or SIGTERM, 141 for an output that its reader
    has closed. `interrupted` is the message for an interrupted job that has none of its own.
    """
    # Labels hold any character; a terminal that can't show one must not stop the work.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        with _sigterm_raises():
            code = job()
            if sys.stdout:  # Closed by `>&-`, it is None.
                sys.stdout.flush()
            return code
    except UserError as error:
        for sentence in str(error).split("\n"):
            log(sentence)
        return 2
    except Interrupted as error:
        log(str(error))
        return 128 + error.signal_number
    except KeyboardInterrupt as error:
        log(interrupted)
        return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)
    except BrokenPipeError:
        _close_output()
        return 141
    except OSError as error:
        # The last resort: a full disk behind `> FILE`, a folder without permission.
        log(f"Can't use {error.filename or 'the output'}: {error.strerror or error}.")
        _close_output()
        return 2
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        log("Out of memory; lower train.batch_size, predict.batch_size or the network's size.")
        return 2


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Scope in which SIGTERM raises `Terminated` and a second one ends at once; other handlers stay.

    Python drops what is raised within a callback (of a weak reference, of the garbage collector, of imports): such a
    signal comes again a moment later.
    """
    # Python lets only the main thread handle signals.
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def terminate(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    def come_again(dropped: Any) -> None:
        error = dropped.exc_value
        if not isinstance(error, KeyboardInterrupt):
            hook(dropped)
            return
        delay = AGAIN
        while error:
            number = signal.SIGINT
            if isinstance(error, Terminated):
                number = signal.SIGTERM
                signal.signal(number, terminate)
            waiting.append(threading.Timer(delay, _send, [number]))
            try:
                waiting[-1].start()
                error = None
            except KeyboardInterrupt as too_early:  # It has come before this function ended, which would drop it, too.
                error, delay = too_early, 2 * delay

    waiting: list[threading.Timer] = []
    hook, sys.unraisablehook = sys.unraisablehook, come_again
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        for timer in waiting:
            timer.cancel()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.unraisablehook = hook


def _send(number: int) -> None:
    """Sends a signal to the main thread itself, which may wait for something: raised in another it does not wake it."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _close_output() -> None:
    """Replaces a closed or full stdout, of which Python would complain again at its exit."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

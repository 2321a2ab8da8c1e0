"""The one exception type whose message is meant for the person at the keyboard."""

from utils.escaping import one_line


class UserError(Exception):
    """Something the user can correct: arguments, config, data or weights.

    The message is one sentence that names the file or key and the way out, or a line for each of several problems; what
    can't be printed in it is escaped, since names and labels may come from others. `main.py` prints it to stderr
    without a traceback and exits with 2.
    """

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(map(one_line, sentences)))


def shorten(error: object) -> str:
    """Returns the first 200 characters of an error's message, on one line."""
    return " ".join(str(error).split())[:200]


class Interrupted(Exception):
    """Training was asked to stop by a signal, 2 (Ctrl-C) or 15 (SIGTERM), and has saved its state."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number

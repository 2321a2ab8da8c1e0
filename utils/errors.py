"""The one exception type whose message is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can mend: arguments, config, data or weights.

    The message is one sentence that names the file or key and the way out. `main.py` prints it
    to stderr without a traceback and exits with 2.
    """

"""Messages for the person watching; results alone go to stdout."""

import sys

from tqdm import tqdm


def log(message: str) -> None:
    """Writes one line to stderr without breaking a progress bar."""
    tqdm.write(message, file=sys.stderr)

"""Reads text files."""

from pathlib import Path

from utils.errors import UserError


def read_text(path: str | Path) -> str:
    """Returns a UTF-8 file's text without byte order mark, line ends kept; raises UserError if it can't be read."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None


def data_lines(path: str | Path) -> list[tuple[int, str]]:
    """Returns line numbers, from 1, and lines of a UTF-8 file, without blank lines and `#` comments."""
    # Not splitlines, which also splits at characters that a label may contain.
    lines = enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1)
    return [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]

"""Types and helpers of all importers: words before they are written into labels.json, words left out, texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from preprocessing.labels import Word
from utils.errors import UserError
from utils.files import atomic_write, open_regular


class NotUtf8(UserError):
    """A file that is no UTF-8 text."""


@dataclass(frozen=True)
class Dropped:
    """A word that is left out.

    Attributes:
        name: its file, or the line that it comes from.
        hint: where its importer has looked for its picture in vain; empty if it has not.
    """

    name: str
    label: str
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class LabelledWord:
    """A word with the facts that decide its split: IAM's form and segmentation flag, or the table's split."""

    word: Word
    form: str | None = None
    segmented: bool = True
    split: str | None = None


KeptAndDropped = tuple[list[LabelledWord], list[Dropped]]


def drop(records: Iterable[LabelledWord], reasons: Iterable[str | None]) -> KeptAndDropped:
    """Separates the words to keep, whose reason is None, from the others."""
    kept, dropped = [], []
    for record, reason in zip(records, reasons):
        if reason is None:
            kept.append(record)
        else:
            dropped.append(Dropped(record.word.filename, record.word.label, reason))
    return kept, dropped


def write_new(path: Path, content: bytes) -> None:
    """Writes an imported picture; raises UserError if another one has its name, as of an import before."""
    if path.exists():
        if path.read_bytes() != content:
            raise UserError(f"{path} is there already, with another picture; name another folder with --images.")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def read_text(path: str | Path) -> str:
    """Returns a UTF-8 file's text without byte order mark, line ends kept; raises UserError if it can't be read."""
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder; name the file in it.")
    try:
        with open_regular(path) as file:
            return file.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise NotUtf8(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None

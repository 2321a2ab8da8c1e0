"""A word before it enters labels.json, and the reasons to drop it."""

from dataclasses import dataclass

from preprocessing.labels import Word

SEGMENTATION_ERR = "segmentation err"
MALFORMED_LINE = "malformed line"
DUPLICATE = "repeated filename"
EMPTY_LABEL = "empty label"
LABEL_TOO_LONG = "label too long"
MISSING_IMAGE = "missing image"
EMPTY_FILE = "empty file"
UNREADABLE_IMAGE = "unreadable image"
IMAGE_TOO_LARGE = "image too large"
OUTSIDE_FOLDER = "link that leaves the images"
NO_WRITER = "writer unknown"
NO_LIST = "form in no list"


@dataclass(frozen=True)
class LabelledWord:
    """A word with the facts that decide its split: IAM's form and segmentation flag, or the table's split."""

    word: Word
    form: str | None = None
    segmented: bool = True
    split: str | None = None


@dataclass(frozen=True)
class Dropped:
    """A word that is left out; `name` is its file, or the line it came from."""

    name: str
    label: str
    reason: str

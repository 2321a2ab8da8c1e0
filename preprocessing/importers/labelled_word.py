"""A word before it is written into labels.json, and a word that is left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from preprocessing.labels import Word


@dataclass(frozen=True)
class Dropped:
    """A word that is left out; `name` is its file, or the line that it comes from."""

    name: str
    label: str
    reason: str


@dataclass(frozen=True)
class LabelledWord:
    """A word with the facts that decide its split: IAM's form and segmentation flag, or the table's split."""

    word: Word
    form: str | None = None
    segmented: bool = True
    split: str | None = None


def drop(
    records: Iterable[LabelledWord], reasons: Iterable[str | None]
) -> tuple[list[LabelledWord], list[Dropped]]:
    """Separates the words to keep, whose reason is None, from the others."""
    kept, dropped = [], []
    for record, reason in zip(records, reasons):
        if reason is None:
            kept.append(record)
        else:
            dropped.append(Dropped(record.word.filename, record.word.label, reason))
    return kept, dropped

"""Divides words into train, val and test: at random, by writer, by lists of forms, by the table or by folders."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from preprocessing.importers.columns import FOLDER_SPLITS
from preprocessing.importers.labelled_word import Dropped, LabelledWord, drop
from preprocessing.labels import SPLITS, Word, shared_by_splits
from utils.errors import UserError

Splits = dict[str, list[Word]]


def random_split(records: list[LabelledWord], test_size: float, val_size: float, seed: int) -> Splits:
    """Puts `test_size` of the words into test and `val_size` of the rest into val; writers are shared."""
    order = np.random.default_rng(seed).permutation(len(records))
    test = round(len(records) * test_size)
    val = test + round((len(records) - test) * val_size)
    parts = {"train": order[val:], "val": order[test:val], "test": order[:test]}
    return {split: [records[row].word for row in sorted(rows)] for split, rows in parts.items()}


def writer_split(
    records: list[LabelledWord], test_size: float, val_size: float, seed: int
) -> tuple[Splits, list[Dropped]]:
    """Gives each split whole writers, so that no writer of val or test occurs in train.

    Test takes writers in random order while they fit into `test_size` of the words, then val into `val_size` of the
    rest. Words without a writer are dropped. Raises UserError if there are too few writers for these splits.
    """
    known, dropped = drop(records, ("writer unknown" if r.word.writer is None else None for r in records))
    pairs = [(str(record.word.writer), record.word) for record in known]
    counts = Counter(writer for writer, _ in pairs)
    parts = 1 + (test_size > 0) + (val_size > 0)
    if len(counts) < parts:
        raise UserError(f"--split writer needs {parts} writers; usable words have {len(counts)}: use --split random.")
    names = sorted(counts)
    order = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    test = _fill(order, counts, len(pairs) * test_size)
    rest = [writer for writer in order if writer not in test]
    val = _fill(rest, counts, sum(counts[writer] for writer in rest) * val_size)
    split_of = dict.fromkeys(test, "test") | dict.fromkeys(val, "val")
    return _collect((split_of.get(writer, "train"), word) for writer, word in pairs), dropped


def form_split(records: list[LabelledWord], lists: dict[str, set[str]]) -> tuple[Splits, list[Dropped]]:
    """Splits by lists of form ids; words of forms in no list are dropped; UserError if a form is in two lists."""
    split_of: dict[str | None, str] = {}
    for split, forms in lists.items():
        for form in sorted(forms):
            if form in split_of:
                raise UserError(f"Form {form} is in the lists of both {split_of[form]} and {split}; keep one.")
            split_of[form] = split
    listed, dropped = drop(records, (None if r.form in split_of else "form in no list" for r in records))
    return _collect((split_of[record.form], record.word) for record in listed), dropped


def table_split(records: list[LabelledWord]) -> Splits:
    """Splits by the table's column, or by what `with_folder_splits` has found."""
    return _collect((str(record.split), record.word) for record in records)


def with_folder_splits(records: list[LabelledWord]) -> list[LabelledWord] | None:
    """Returns the words with the splits that their folders are named after, such as `data/train/0.png`.

    Returns None unless all words are in such folders, of train and at least one other split.
    """
    found = [_split_of_folders(record.word.filename) for record in records]
    if None in found or "train" not in found or len(set(found)) == 1:
        return None
    return [replace(record, split=split) for record, split in zip(records, found)]


def with_val(records: list[LabelledWord], val_size: float, seed: int) -> list[LabelledWord]:
    """Returns the words with `val_size` of those of train, chosen at random, in val."""
    train = [index for index, record in enumerate(records) if record.split == "train"]
    order = np.random.default_rng(seed).permutation(train)
    chosen = set(order[: round(len(train) * val_size)].tolist())
    return [replace(record, split="val") if index in chosen else record for index, record in enumerate(records)]


def _split_of_folders(filename: str) -> str | None:
    folders = (folder.lower() for folder in PurePosixPath(filename).parts[:-1])
    return next((FOLDER_SPLITS[folder] for folder in folders if folder in FOLDER_SPLITS), None)


def keep_in_training_only(splits: Splits, records: list[LabelledWord]) -> list[Dropped]:
    """Removes badly segmented words from val and test, as in published figures; returns them."""
    flagged = {record.word.filename for record in records if not record.segmented}
    dropped = []
    for split in ("val", "test"):
        removed = [word for word in splits[split] if word.filename in flagged]
        dropped += [Dropped(word.filename, word.label, "segmentation err") for word in removed]
        splits[split] = [word for word in splits[split] if word.filename not in flagged]
    return dropped


def empty_parts(splits: Splits) -> list[str]:
    """Returns notes on splits without words."""
    advice = {"val": ", and training needs validation words: leave some for it", "test": ": --predict_on_test needs it"}
    return [f"{split} is empty{advice.get(split, '')}." for split in SPLITS if not splits[split]]


def shared_writers(splits: Splits) -> list[str]:
    """Returns notes on writers in more than one split, which make figures too good."""
    writers = {split: {word.writer for word in words} - {None} for split, words in splits.items()}
    shared = shared_by_splits(writers).items()
    return [f"{len(both)} writers are in both {first} and {second}." for (first, second), both in shared]


def _fill(order: list[str], counts: Counter, target: float) -> set[str]:
    """Chooses writers, in `order`, whose words fit into `target`; at least one if target is not 0."""
    chosen, words = set(), 0
    for writer in order:
        if words + counts[writer] <= target:
            chosen.add(writer)
            words += counts[writer]
    if not chosen and target > 0:
        chosen.add(min(order, key=counts.__getitem__))
    return chosen


def _collect(pairs: Iterable[tuple[str, Word]]) -> Splits:
    splits: Splits = {split: [] for split in SPLITS}
    for split, word in pairs:
        splits[split].append(word)
    return splits

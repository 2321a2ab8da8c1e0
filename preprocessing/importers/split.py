"""Divides words into train, val and test: at random, by writer, by lists of forms or by the table."""

import itertools
from collections import Counter
from collections.abc import Iterable

import numpy as np

from preprocessing.importers.labelled_word import NO_LIST, NO_WRITER, Dropped, LabelledWord
from preprocessing.labels import SPLITS, Word
from utils.errors import UserError

Splits = dict[str, list[Word]]


def random_split(records: list[LabelledWord], test_size: float, val_size: float, seed: int) -> Splits:
    """`test_size` of the words become test and `val_size` of the rest val; writers and texts are shared."""
    order = np.random.default_rng(seed).permutation(len(records))
    test = round(len(records) * test_size)
    val = test + round((len(records) - test) * val_size)
    parts = {"train": order[val:], "val": order[test:val], "test": order[:test]}
    return {split: [records[row].word for row in sorted(rows)] for split, rows in parts.items()}


def writer_split(
    records: list[LabelledWord], test_size: float, val_size: float, seed: int
) -> tuple[Splits, list[Dropped]]:
    """Gives each part whole writers, so that no writer of val or test is seen in training.

    Test takes writers in random order while they fit into `test_size` of the words, then val into
    `val_size` of the rest. Words without a writer are dropped.

    Raises:
        UserError: there are too few writers for the parts that were asked for.
    """
    known = [(record.word.writer, record.word) for record in records if record.word.writer is not None]
    dropped = [Dropped(r.word.filename, r.word.label, NO_WRITER) for r in records if r.word.writer is None]
    counts = Counter(writer for writer, _ in known)
    parts = 1 + (test_size > 0) + (val_size > 0)
    if len(counts) < parts:
        raise UserError(
            f"--split writer needs at least {parts} writers, but the usable words have "
            f"{len(counts)}; use --split random."
        )
    names = sorted(counts)
    order = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    test = _fill(order, counts, len(known) * test_size)
    rest = [writer for writer in order if writer not in test]
    val = _fill(rest, counts, sum(counts[writer] for writer in rest) * val_size)
    split_of = dict.fromkeys(test, "test") | dict.fromkeys(val, "val")
    return _collect((split_of.get(writer, "train"), word) for writer, word in known), dropped


def form_split(records: list[LabelledWord], lists: dict[str, set[str]]) -> tuple[Splits, list[Dropped]]:
    """Follows lists of form ids, one set per split; words of forms in none of them are dropped.

    Raises:
        UserError: a form is in two lists.
    """
    split_of: dict[str, str] = {}
    for split, forms in lists.items():
        for form in sorted(forms):
            if form in split_of:
                raise UserError(
                    f"Form {form} is in the lists of both {split_of[form]} and {split}; keep one."
                )
            split_of[form] = split
    listed = [(split_of[record.form], record.word) for record in records if record.form in split_of]
    dropped = [
        Dropped(record.word.filename, record.word.label, NO_LIST)
        for record in records
        if record.form not in split_of
    ]
    return _collect(listed), dropped


def table_split(records: list[LabelledWord]) -> Splits:
    """Follows the split that the table names for each word."""
    return _collect((str(record.split), record.word) for record in records)


def empty_parts(splits: Splits) -> list[str]:
    """Remarks on parts without words."""
    return [f"{split} is empty." for split in SPLITS if not splits[split]]


def shared_writers(splits: Splits) -> list[str]:
    """Remarks on writers in more than one part, which make figures too good."""
    writers = {split: {word.writer for word in words} - {None} for split, words in splits.items()}
    pairs = itertools.combinations(SPLITS, 2)
    counts = {(first, second): len(writers[first] & writers[second]) for first, second in pairs}
    return [
        f"{count} writers are in both {first} and {second}."
        for (first, second), count in counts.items()
        if count
    ]


def _fill(order: list[str], counts: Counter, target: float) -> set[str]:
    """Writers in `order` as long as their words fit into `target`; at least one if target is not 0."""
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

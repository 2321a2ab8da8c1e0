"""Alignment of the characters of labels and predicted texts."""

import itertools
from collections.abc import Iterable

from preprocessing.tokenizer import normalize_label

Pair = tuple[str, str]


def align(label: str, text: str) -> list[Pair]:
    """Aligns the characters of both texts, after NFC, with the fewest edits (Levenshtein 1966).

    Among equally short alignments a substitution is preferred to a deletion with an insertion, and edits are as far
    left as possible. Returns pairs of characters: ("a", "") is a deletion, ("", "a") an insertion.
    """
    label, text = normalize_label(label), normalize_label(text)
    distances = _distances(label, text)
    row, column, pairs = len(label), len(text), []
    while row or column:
        here = distances[row][column]
        diagonal = row and column and distances[row - 1][column - 1] + (label[row - 1] != text[column - 1])
        if row and column and here == diagonal:
            row, column = row - 1, column - 1
            pairs.append((label[row], text[column]))
        elif row and here == distances[row - 1][column] + 1:
            row -= 1
            pairs.append((label[row], ""))
        else:
            column -= 1
            pairs.append(("", text[column]))
    return pairs[::-1]


def longest_runs(label: str, text: str) -> tuple[int, int]:
    """Returns the lengths of the longest runs of deletions and of insertions: parts skipped, and read twice."""
    runs = [(of_label != "", of_text != "") for of_label, of_text in align(label, text)]
    longest = {(True, False): 0, (False, True): 0}
    for kind, run in itertools.groupby(runs):
        if kind in longest:
            longest[kind] = max(longest[kind], len(list(run)))
    return longest[True, False], longest[False, True]


def diff(pairs: Iterable[Pair]) -> list[str | Pair]:
    """Returns an alignment with runs of equal characters as one string each, and edits as pairs."""
    parts: list[str | Pair] = []
    for of_label, of_text in pairs:
        if of_label != of_text:
            parts.append((of_label, of_text))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += of_label
        else:
            parts.append(of_label)
    return parts


def _distances(label: str, text: str) -> list[list[int]]:
    """Returns the edit distances of all prefixes of the label to all prefixes of the text."""
    table = [list(range(len(text) + 1))]
    for row, of_label in enumerate(label, start=1):
        line = [row]
        for column, of_text in enumerate(text, start=1):
            diagonal = table[-1][column - 1] + (of_label != of_text)
            line.append(min(diagonal, table[-1][column] + 1, line[-1] + 1))
        table.append(line)
    return table

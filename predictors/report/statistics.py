"""Errors by length, by character and by kind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from metrics.alignment import Pair

LONGEST = 15  # labels from this length on are counted together
MOST_ROWS = 40  # of a table


@dataclass(frozen=True)
class Share:
    """Errors among `count` characters (or words) of one kind."""

    name: str
    count: int
    errors: int

    @property
    def rate(self) -> float:
        """Errors per character; exceeds 1 where more was inserted than there was."""
        return self.errors / self.count


def errors_by_length(alignments: Sequence[list[Pair]]) -> list[Share]:
    """Returns character errors by the label's length, short to long; long labels are one group."""
    lengths: Counter[int] = Counter()
    errors: Counter[int] = Counter()
    for pairs in alignments:
        length = min(LONGEST, sum(of_label != "" for of_label, _ in pairs))
        lengths[length] += sum(of_label != "" for of_label, _ in pairs)
        errors[length] += sum(of_label != of_text for of_label, of_text in pairs)
    names = {length: f"{length}+" if length == LONGEST else str(length) for length in sorted(lengths) if length}
    return [Share(name, lengths[length], errors[length]) for length, name in names.items()]


def errors_by_character(alignments: Sequence[list[Pair]]) -> list[Share]:
    """Returns how often each character of the labels was substituted or deleted, most errors first."""
    pairs = [pair for pairs in alignments for pair in pairs]
    counts = Counter(of_label for of_label, _ in pairs if of_label)
    errors = Counter(of_label for of_label, of_text in pairs if of_label and of_label != of_text)
    shares = [Share(character, count, errors[character]) for character, count in counts.items()]
    return sorted(shares, key=lambda share: (-share.errors, -share.count, share.name))


@dataclass(frozen=True)
class Confusion:
    """A character of the labels ("" if inserted), what was read instead ("" if deleted), and how often.

    `rate` is the share of the label character's occurrences; None for inserted characters.
    """

    truth: str
    read: str
    count: int
    rate: float | None


def confusions_by_kind(alignments: Sequence[list[Pair]]) -> dict[str, list[Confusion]]:
    """Returns substituted, deleted and inserted characters, the most frequent first."""
    pairs = [pair for pairs in alignments for pair in pairs]
    counts = Counter(of_label for of_label, _ in pairs)
    confusions = Counter(pair for pair in pairs if pair[0] != pair[1])
    kinds: dict[str, list[Confusion]] = {"Substituted": [], "Deleted": [], "Inserted": []}
    for (truth, read), count in sorted(confusions.items(), key=lambda item: (-item[1], item[0])):
        kind = "Inserted" if not truth else "Substituted" if read else "Deleted"
        if len(kinds[kind]) < MOST_ROWS:
            kinds[kind].append(Confusion(truth, read, count, count / counts[truth] if truth else None))
    return kinds

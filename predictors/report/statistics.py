"""Where the errors are, and whether the confidences can be believed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from predictors.report.alignment import Pair

LONGEST = 15  # labels from this length on are counted together


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


@dataclass(frozen=True)
class Bin:
    """The words whose confidence lies in (low, high]; the first bin has 0 too.

    Attributes:
        confidence: mean confidence of its words; accuracy: share of them read right. Both 0 if it has none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def errors_by_length(alignments: Sequence[list[Pair]]) -> list[Share]:
    """Character errors by the label's length, short to long; long labels are one group."""
    lengths: Counter[int] = Counter()
    errors: Counter[int] = Counter()
    for pairs in alignments:
        length = min(LONGEST, sum(of_label != "" for of_label, _ in pairs))
        lengths[length] += sum(of_label != "" for of_label, _ in pairs)
        errors[length] += sum(of_label != of_text for of_label, of_text in pairs)
    return [
        Share(f"{length}+" if length == LONGEST else str(length), lengths[length], errors[length])
        for length in sorted(lengths)
        if length
    ]


def errors_by_character(alignments: Sequence[list[Pair]]) -> list[Share]:
    """How often each character of the labels was substituted or deleted, most errors first."""
    pairs = [pair for pairs in alignments for pair in pairs]
    counts = Counter(of_label for of_label, _ in pairs if of_label)
    errors = Counter(of_label for of_label, of_text in pairs if of_label and of_label != of_text)
    shares = [Share(character, count, errors[character]) for character, count in counts.items()]
    return sorted(shares, key=lambda share: (-share.errors, -share.count, share.name))


def calibration_bins(confidences: Sequence[float], right: Sequence[bool], number: int = 10) -> list[Bin]:
    """Words by confidence, in `number` bins of equal width, low to high."""
    counts, hits, totals = [0] * number, [0] * number, [0.0] * number
    for confidence, is_right in zip(confidences, right, strict=True):
        # Upper edges belong to their bin, as in Guo et al. 2017.
        index = next(i for i in range(number) if confidence <= (i + 1) / number or i == number - 1)
        counts[index] += 1
        totals[index] += confidence
        hits[index] += is_right
    return [
        Bin(i / number, (i + 1) / number, count, totals[i] / max(1, count), hits[i] / max(1, count))
        for i, count in enumerate(counts)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and accuracy, weighed by words, 0 to 1 (Guo et al. 2017, eq. 3)."""
    words = sum(part.count for part in bins)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / max(1, words)

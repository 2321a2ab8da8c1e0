"""Character and word error rates of predicted words, with intervals over writers."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import editdistance
import numpy as np

from preprocessing.tokenizer import normalize_label


@dataclass(frozen=True)
class Scores:
    """Error rates as fractions; CERs exceed 1 when predictions are far too long.

    Attributes:
        n: number of labels: words or lines.
        words: number of words in them, separated by white space.
        cer: edit distances summed over all words / reference lengths summed over all words.
        wer: edit distances over words, summed over all labels / number of words; of single words the share of those
            that are not exactly equal.
        mean_word_cer: the seed project's figure: mean over words of distance / length of the longer one.
        cer_caseless, wer_caseless: both after Unicode case folding.
        n_no_punctuation: number of labels whose reference is more than punctuation and symbols.
        cer_no_punctuation, wer_no_punctuation: over those words, without punctuation and symbols in reference and
            prediction; nan when there are none.
    """

    n: int
    words: int
    cer: float
    wer: float
    mean_word_cer: float
    cer_caseless: float
    wer_caseless: float
    n_no_punctuation: int
    cer_no_punctuation: float
    wer_no_punctuation: float


def score_prediction(labels: Sequence[str], predictions: Sequence[str]) -> Scores:
    """Scores `predictions` against the reference `labels`, compared by code points after NFC.

    Raises ValueError if the lengths differ, there are no words, or every label is empty.
    """
    _check_lengths(labels, predictions=predictions)
    refs, hyps = list(map(normalize_label, labels)), list(map(normalize_label, predictions))
    if not any(refs):
        raise ValueError("every label is empty, so there is no character error rate")
    cer, wer, n = _rates(zip(refs, hyps))
    words = sum(map(_word_count, refs))
    cer_caseless, wer_caseless, _ = _rates(zip(map(_caseless, refs), map(_caseless, hyps)))
    bare = zip(map(_without_punctuation, refs), map(_without_punctuation, hyps))
    cer_bare, wer_bare, n_bare = _rates((ref, hyp) for ref, hyp in bare if ref)
    word_cers = [editdistance.eval(ref, hyp) / max(len(ref), len(hyp), 1) for ref, hyp in zip(refs, hyps)]
    mean = float(np.mean(word_cers))
    return Scores(n, words, cer, wer, mean, cer_caseless, wer_caseless, n_bare, cer_bare, wer_bare)


def writer_bootstrap(
    labels: Sequence[str], predictions: Sequence[str], writers: Sequence[str | None], samples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Returns 95 % percentile intervals of corpus CER and WER over resampled writers: {"cer": (low, high), "wer": ...}.

    Words of one writer are not independent, so whole writers are drawn with replacement; a word whose writer is None
    counts as a writer of its own. Bounds are fractions, the same for the same seed. Raises ValueError if the lengths
    differ, there are no words, or every label is empty.
    """
    _check_lengths(labels, predictions=predictions, writers=writers)
    keys = [("word", row) if writer is None else ("writer", writer) for row, writer in enumerate(writers)]
    rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    sums = np.zeros((len(rows), 4), np.int64)  # per writer: character errors, characters, word errors, words
    for key, label, prediction in zip(keys, labels, predictions):
        sums[rows[key]] += _counts(normalize_label(label), normalize_label(prediction))
    if not sums[:, 1].any():
        raise ValueError("every label is empty, so there is no character error rate")
    rng = np.random.default_rng(seed)
    # Draw by draw, since all at once would take memory for samples x writers.
    totals = np.array([sums[rng.integers(len(sums), size=len(sums))].sum(axis=0) for _ in range(samples)])
    intervals = {}
    for name, errors, counts in (("cer", totals[:, 0], totals[:, 1]), ("wer", totals[:, 2], totals[:, 3])):
        # A draw of empty labels only has no characters.
        low, high = np.percentile(errors / np.maximum(counts, 1), [2.5, 97.5])
        intervals[name] = (float(low), float(high))
    return intervals


def _check_lengths(labels: Sequence[str], **others: Sequence[str | None]) -> None:
    if not labels:
        raise ValueError("there are no words to score")
    for name, values in others.items():
        if len(values) != len(labels):
            raise ValueError(f"{len(labels)} labels, but {len(values)} {name}")


def _rates(pairs: Iterable[tuple[str, str]]) -> tuple[float, float, int]:
    """Returns corpus CER, WER and number of (reference, prediction) pairs; nan and 0 without pairs."""
    counts = [_counts(ref, hyp) for ref, hyp in pairs]
    if not counts:
        return float("nan"), float("nan"), 0
    errors, characters, wrong, words = map(sum, zip(*counts))
    return errors / characters, wrong / words, len(counts)


def _counts(reference: str, prediction: str) -> tuple[int, int, int, int]:
    """Returns character errors, characters, word errors and words of a reference and its prediction."""
    wrong = editdistance.eval(reference.split(), prediction.split())
    return editdistance.eval(reference, prediction), len(reference), wrong, _word_count(reference)


def _word_count(text: str) -> int:
    return max(1, len(text.split()))  # Nothing to read is something that can be read wrongly.


def _caseless(text: str) -> str:
    return normalize_label(text.casefold())  # Folding may decompose characters.


def _without_punctuation(text: str) -> str:
    return " ".join("".join(char for char in text if unicodedata.category(char)[0] not in "PS").split())

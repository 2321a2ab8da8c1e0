"""The lines that an evaluation prints: error rates of all words and of groups of words."""

import bisect
import unicodedata
from collections.abc import Sequence

from base.base_predictor import Prediction
from metrics.alignment import longest_runs
from metrics.calibration import LEAST_SURE, calibration_error, errors_found
from metrics.score_prediction import Scores, score_prediction, writer_bootstrap
from preprocessing.tokenizer import normalize_label

LABEL_KINDS = ("words", "punctuation only", "contains digits")
LONG_RUN = 5  # characters in a row that are missing or too many, where attention skips or repeats a part
LENGTH_GROUPS = ("1", "2-3", "4-6", "7-9", "10+")


def report(
    labels: Sequence[str], texts: Sequence[str], writers: Sequence[str | None], confidence: Sequence[str] = ()
) -> list[str]:
    """Returns the lines of an evaluation, ending with CER and WER.

    The interval needs all `writers`, and more than one; `confidence` are the lines of `confidence_report`. Raises
    ValueError if the lengths differ, there are no words, or every label is empty.
    """
    scores = score_prediction(labels, texts)
    return [
        f"n:    {scores.n} words" if scores.n == scores.words else f"n:    {scores.n} lines, {scores.words} words",
        f"case-insensitive:     CER {scores.cer_caseless:.2%}  WER {scores.wer_caseless:.2%}",
        *_without_punctuation(scores),
        f"CER, mean over words (the seed project's): {scores.mean_word_cer:.2%}",
        *_interval(labels, texts, writers),
        *(_lost_places(labels, texts) if scores.n < scores.words else ()),
        *table("by kind of label", labels, texts, list(map(label_kind, labels)), LABEL_KINDS),
        *table("by label length", labels, texts, list(map(length_group, labels)), LENGTH_GROUPS),
        *confidence,
        f"CER: {100 * scores.cer:5.2f} %",
        f"WER: {100 * scores.wer:5.2f} %",
    ]


def confidence_report(
    labels: Sequence[str], predictions: Sequence[Prediction], min_confidence: float | None = None
) -> list[str]:
    """Returns lines on the calibration of the confidences; `min_confidence` adds a table of words below and above."""
    texts = [prediction.text for prediction in predictions]
    right = [normalize_label(label) == text for label, text in zip(labels, texts, strict=True)]
    confidences = [prediction.confidence for prediction in predictions]
    before = [p.raw_confidence for p in predictions if p.raw_confidence is not None]
    calibrated = len(before) == len(right)
    note = f"{calibration_error(before, right):.2%} before calibration" if calibrated else "not calibrated"
    lines = [f"expected calibration error: {calibration_error(confidences, right):.2%} ({note})"]
    if not all(right):
        found = errors_found(confidences, right)
        lines.append(f"the {100 * LEAST_SURE:g} % least confident words hold {found:.1%} of the errors")
    if min_confidence is not None:
        groups = [f"below {min_confidence:g}", f"{min_confidence:g} and more"]
        of_word = [groups[confidence >= min_confidence] for confidence in confidences]
        lines += table("by confidence", labels, texts, of_word, groups)
    return lines


def table(
    title: str, labels: Sequence[str], texts: Sequence[str], groups: Sequence[str | None], order: Sequence[str]
) -> list[str]:
    """Returns a header and a line with n, CER and WER of each group that has words; nothing if none has.

    `groups` has the group of each word, None excludes it; `order` has all groups, in the order of their lines.
    """
    lines = []
    for group in order:
        pairs = [(label, text) for label, text, its in zip(labels, texts, groups) if its == group]
        if pairs:
            scores = score_prediction(*zip(*pairs))
            lines.append(f"  {group:<18}{scores.n:>7}{scores.cer:>10.2%}{scores.wer:>10.2%}")
    return [f"{title:<20}{'n':>7}{'CER':>10}{'WER':>10}", *lines] if lines else []


def label_kind(label: str) -> str | None:
    """Returns one of LABEL_KINDS; None if the label is empty."""
    kinds = {unicodedata.category(char)[0] for char in label}
    if "N" in kinds:
        return "contains digits"
    if "L" in kinds:
        return "words"
    return "punctuation only" if label else None


def length_group(label: str) -> str | None:
    """Returns the one of LENGTH_GROUPS for a label's code points (NFC); None if the label is empty."""
    length = len(normalize_label(label))
    return LENGTH_GROUPS[bisect.bisect_left((1, 3, 6, 9), length)] if length else None


def _lost_places(labels: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Returns a line on how often the attention lost its place in a line of text."""
    skipped, repeated = zip(*(longest_runs(label, text) for label, text in zip(labels, texts)))
    counts = [sum(length >= LONG_RUN for length in lengths) for lengths in (skipped, repeated)]
    return [f"lines with {LONG_RUN} or more characters in a row too few: {counts[0]}, too many: {counts[1]}"]


def _without_punctuation(scores: Scores) -> list[str]:
    if not scores.n_no_punctuation:
        return []
    return [f"without punctuation:  CER {scores.cer_no_punctuation:.2%}  WER {scores.wer_no_punctuation:.2%}"]


def _interval(labels: Sequence[str], texts: Sequence[str], writers: Sequence[str | None]) -> list[str]:
    known = {writer for writer in writers if writer}
    if not all(writers) or len(known) < 2:
        return []
    bounds = writer_bootstrap(labels, texts, writers)
    cer, wer = (f"{100 * low:.2f} to {100 * high:.2f} %" for low, high in (bounds["cer"], bounds["wer"]))
    return [f"95 % interval over {len(known)} writers: CER {cer}  WER {wer}"]

"""Writes the evaluation report of a test set into a folder."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from base.base_predictor import Prediction
from data_generators.dataset import Dataset
from metrics.alignment import Pair, align
from metrics.calibration import LEAST_SURE, Bin, calibration_bins, errors_found, expected_calibration_error
from metrics.plots import as_svg, make_figure, plot_bars, plot_curves, plot_reliability
from metrics.score_prediction import score_prediction, writer_bootstrap
from models.model_seq2seq import ModelSeq2Seq
from predictors.report.html import make_html
from predictors.report.statistics import MOST_ROWS, confusions_by_kind, errors_by_character, errors_by_length
from predictors.report.words import choose_words, gallery
from utils.files import write_csv, write_text

PAGE_FILE, TABLE_FILE = "report.html", "report_words.csv"


@dataclass(frozen=True)
class Evaluation:
    """A test set as read by a network.

    `facts` are for the head of the page, such as the model folder; `history` has one row per epoch and may be empty.
    """

    model: ModelSeq2Seq
    dataset: Dataset
    predictions: Sequence[Prediction]
    facts: dict[str, str]
    history: Sequence[dict[str, float]]
    batch_size: int = 256


def write_report(folder: Path, evaluation: Evaluation) -> Path:
    """Writes `report.html` and `report_words.csv`; returns the page's path; UserError if `folder` can't be written."""
    words, predictions = evaluation.dataset.words, evaluation.predictions
    alignments = [align(word.label, prediction.text) for word, prediction in zip(words, predictions)]
    errors = [sum(of_label != of_text for of_label, of_text in pairs) for pairs in alignments]
    confidences = [prediction.confidence for prediction in predictions]
    right = [not count for count in errors]
    bins, before = calibration_bins(confidences, right), _bins_before(predictions, right)
    chosen = choose_words(errors, confidences)
    characters = [share for share in errors_by_character(alignments) if share.errors][:MOST_ROWS]
    shown = gallery(evaluation.model, evaluation.dataset, predictions, alignments, chosen, evaluation.batch_size)
    things = "lines" if any(" " in word.label for word in words) else "words"
    text = make_html(
        {"words": shown, "stride": evaluation.model.column_stride},
        title="Evaluation report",
        facts={**evaluation.facts, things: _number(len(words), len(chosen))},
        summary=_figures(evaluation, bins, before, errors_found(confidences, right)),
        charts=_charts(evaluation.history, alignments, bins, before),
        characters=characters,
        confusions=confusions_by_kind(alignments),
    )
    _write_table(folder / TABLE_FILE, evaluation, errors)
    write_text(folder / PAGE_FILE, text)
    return folder / PAGE_FILE


def _bins_before(predictions: Sequence[Prediction], right: Sequence[bool]) -> list[Bin]:
    """Returns the calibration bins of the confidences as the decoder gave them; none if they are not calibrated."""
    raw = [p.raw_confidence for p in predictions if p.raw_confidence is not None]
    return calibration_bins(raw, right) if len(raw) == len(predictions) else []


def _figures(
    evaluation: Evaluation, bins: Sequence[Bin], before: Sequence[Bin], found: float
) -> dict[str, tuple[float, tuple[float, float] | None]]:
    words = evaluation.dataset.words
    labels, texts = [word.label for word in words], [p.text for p in evaluation.predictions]
    scores = score_prediction(labels, texts)
    writers = [word.writer for word in words]
    # Of a single writer, who is drawn again and again, there is none.
    is_one_hand = bool(writers[0]) and len(set(writers)) == 1
    intervals = {} if is_one_hand else writer_bootstrap(labels, texts, writers)
    figures: dict[str, tuple[float, tuple[float, float] | None]] = {
        "CER (errors over characters)": (scores.cer, intervals.get("cer")),
        "WER (errors over words)": (scores.wer, intervals.get("wer")),
        "CER, mean over words (the seed project's)": (scores.mean_word_cer, None),
        "CER, case-insensitive": (scores.cer_caseless, None),
        "WER, case-insensitive": (scores.wer_caseless, None),
        "CER, without punctuation": (scores.cer_no_punctuation, None),
        "WER, without punctuation": (scores.wer_no_punctuation, None),
        "expected calibration error": (expected_calibration_error(bins), None),
        "the same before calibration": (expected_calibration_error(before) if before else math.nan, None),
        f"errors among the {100 * LEAST_SURE:g} % least confident words": (found, None),
    }
    return {name: figure for name, figure in figures.items() if not math.isnan(figure[0])}


def _charts(
    history: Sequence[dict[str, float]], alignments: Sequence[list[Pair]], bins: Sequence[Bin], before: Sequence[Bin]
) -> dict[str, Markup]:
    """SVG charts by title; those without data are left out."""
    ece = f"ECE {expected_calibration_error(bins):.2%}"
    if before:
        ece += f"; before calibration {expected_calibration_error(before):.2%}, rings"
    rates = {share.name: 100 * share.rate for share in errors_by_length(alignments)}
    plots: dict[str, Callable[[Any], None]] = {
        "Loss by epoch": lambda axes: plot_curves(axes, "", history, ("loss", "val_loss")),
        "Error rates on validation by epoch, %": lambda axes: plot_curves(
            axes, "", history, ("val_cer", "val_wer"), 100
        ),
        "CER by length of the label, %": lambda axes: plot_bars(axes, "", rates, labels="%.1f"),
        f"Words read right by confidence, % ({ece})": lambda axes: plot_reliability(axes, "", bins, before),
    }
    charts = {}
    for title, plot in plots.items():
        figure, (axes,) = make_figure()
        plot(axes)
        if axes.has_data():
            charts[title] = Markup(as_svg(figure))
    return charts


def _number(total: int, shown: int) -> str:
    if shown == total:
        return f"{total}"
    return f"{total}; the list below holds {shown}: the worst, and some read right; all are in {TABLE_FILE}"


def _write_table(path: Path, evaluation: Evaluation, errors: Sequence[int]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "filename": word.filename,
            "label": word.label,
            "text": prediction.text,
            "confidence": round(prediction.confidence, 6),
            "errors": count,
            "writer": word.writer or "",
        }
        for word, prediction, count in zip(evaluation.dataset.words, evaluation.predictions, errors)
    ]
    write_csv(path, list(rows[0]), rows)

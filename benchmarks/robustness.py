"""Reads words that were damaged by each kind at several strengths: a table and a picture of CER per kind.

python -m benchmarks.robustness -c configs/iam.yml --set labels_file=FILE images_folder=DIR --split val
"""

import argparse
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.base_predictor import Prediction
from data_generators.damage import KINDS, Damage
from data_generators.source import DataSource
from metrics.calibration import calibration_error
from metrics.plots import make_figure, plot_bars, save_png
from metrics.score_prediction import score_prediction
from predictors.loading import configured_predictor
from predictors.word_predictor import WordPredictor
from preprocessing.image_file import configure_process, decode
from preprocessing.labels import Word
from preprocessing.word_image import word_image_of_array
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config
from utils.errors import UserError
from utils.files import check_writable, write_text
from utils.log import log, progress_bar

UNDAMAGED = "undamaged"


def turn_quarter(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Turns the picture by 90 degrees either way."""
    return np.ascontiguousarray(np.rot90(picture, rng.choice([1, 3])))


def turn_half(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Turns the picture upside down."""
    return np.ascontiguousarray(picture[::-1, ::-1])


def make_transparent(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Writes with white ink on transparency, uint8 (h, w, 4)."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=2).astype(np.uint8)
    return np.dstack([np.full((*grey.shape, 3), 255, np.uint8), 255 - grey])


# What networks are not trained on: the normaliser or the reader undoes it.
UNTRAINED: dict[str, Damage] = {
    "turned by 90": turn_quarter,
    "turned by 180": turn_half,
    "transparent": make_transparent,
}
ALL_KINDS = {**KINDS, **UNTRAINED}


@dataclass(frozen=True)
class Result:
    """Scores of one kind at one strength, in %; `confidences` and `right` of each word."""

    kind: str
    strength: float
    cer: float
    wer: float
    confidences: list[float]
    right: list[bool]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add_config_options(parser)
    add("--split", choices=("train", "val", "test"), default="test", help="of the labels file (default: %(default)s)")
    add("--words", type=number(int, 1), default=300, help="random words of the split (default: %(default)s)")
    add("--least_characters", type=number(int, 1), default=1, help="of a word (default: %(default)s)")
    add("--strengths", type=number(float, 0, 1), nargs="+", default=[0.3, 0.6, 1.0], help="0 to 1 (default: 0.3 0.6 1)")
    add("--kinds", nargs="+", choices=ALL_KINDS, default=list(ALL_KINDS), help="default: all")
    add("--seed", type=number(int, 0), default=1, help="of the damage (default: 1)")
    add("--output", type=Path, default=Path("benchmarks/robustness.md"), help="table; the picture is beside it")
    options = parser.parse_args(arguments)
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.conf, options.set)
    source, picture = DataSource.of(config), options.output.with_suffix(".png")
    if picture == options.output:
        raise UserError(f"--output {picture} is the name of the picture beside the table; name the table, such as .md.")
    for path in (options.output, picture):
        check_writable(path, [source.labels])
    configure_process()
    predictor = configured_predictor(config)
    words = [word for word in source.read_labels().splits[options.split] if len(word.label) >= options.least_characters]
    if not words:
        raise UserError(f"{source.labels} has no such word in its {options.split} split.")
    chosen = np.random.default_rng(options.seed).permutation(len(words))[: options.words]
    words = [words[i] for i in sorted(chosen)]
    pictures = [decode(source.images.path / word.filename, predictor.spec.image) for word in words]
    results = list(_measure(predictor, words, pictures, options))
    text = table(results, options.strengths, len(words))
    write_text(options.output, text)
    figure, (axes,) = make_figure(size=(12, 4))
    plot_bars(axes, "CER in %, mean of the strengths", means(results), "%.1f")
    axes.tick_params("x", rotation=60)
    save_png(picture, figure)
    print(text, end="")
    log(f"Written to {options.output} and {picture}.")
    return 0


def _measure(
    predictor: WordPredictor, words: list[Word], pictures: list[np.ndarray], options: argparse.Namespace
) -> Iterator[Result]:
    """Reads the words once for each kind and strength."""
    tasks: list[tuple[str, float]] = [(UNDAMAGED, 0.0)]
    for kind in options.kinds:
        tasks += [(kind, strength) for strength in ([1.0] if kind in UNTRAINED else dict.fromkeys(options.strengths))]
    for kind, strength in progress_bar(tasks, desc="Reading damaged words", total=len(tasks), unit="kind"):
        change: Callable = ALL_KINDS.get(kind, lambda picture, *_: picture)
        images = []
        for word, picture in zip(words, pictures):
            rng = np.random.default_rng([options.seed, zlib.crc32(f"{kind} {word.filename}".encode())])
            images.append(word_image_of_array(change(picture, strength, rng), predictor.spec.image, word.filename))
        predictions = dict(predictor.predict(np.array([image.shape[1] for image in images]), images.__getitem__))
        yield _result(kind, strength, words, [predictions[i] for i in range(len(words))])


def _result(kind: str, strength: float, words: list[Word], predictions: list[Prediction]) -> Result:
    scores = score_prediction([word.label for word in words], [prediction.text for prediction in predictions])
    right = [word.label == prediction.text for word, prediction in zip(words, predictions)]
    return Result(kind, strength, 100 * scores.cer, 100 * scores.wer, [one.confidence for one in predictions], right)


def means(results: list[Result]) -> dict[str, float]:
    """Returns the mean CER in % of each kind."""
    kinds = dict.fromkeys(result.kind for result in results)
    return {kind: float(np.mean([result.cer for result in results if result.kind == kind])) for kind in kinds}


def table(results: list[Result], strengths: list[float], words: int) -> str:
    """Returns CER / WER of each kind and strength, and the calibration error of all of them, as Markdown.

    Undamaged words, which have no strength, are in the last column.
    """
    columns = sorted({*strengths, *(result.strength for result in results if result.kind != UNDAMAGED)})
    lines = [
        f"{words} words; CER / WER in % at each strength (1: the strongest).\n",
        "| damage | " + " | ".join(f"{strength:g}" for strength in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for kind in dict.fromkeys(result.kind for result in results):
        of_kind = [result for result in results if result.kind == kind]
        cells = {result.strength: f"{result.cer:.1f} / {result.wer:.1f}" for result in of_kind}
        if kind == UNDAMAGED:
            cells = {columns[-1]: cells[0.0]}
        lines.append(f"| {kind} | " + " | ".join(cells.get(strength, "") for strength in columns) + " |")
    confidences = [value for result in results for value in result.confidences]
    right = [value for result in results for value in result.right]
    lines.append(f"\nExpected calibration error over all of them: {calibration_error(confidences, right):.1%}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

"""Learns one hand from more and more corrected lines: a table of its error rates, and of those on other hands.

python -m benchmarks.adaptation --hand NAME --set images_folder=DIR labels_file=FILE --others DIR FILE
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.process import run
from data_generators.dataset import Dataset, DatasetOptions, open_dataset, open_split
from data_generators.source import DataSource
from metrics.score_prediction import Scores, score_prediction
from models.model_folder import ModelFolder
from models.model_paths import ModelPaths
from predictors.loading import load_predictor
from preprocessing.image_file import configure_process
from preprocessing.labels import LABELS_FILE, Word, read_labels, write_labels
from trainers.adaptation import HELD_BACK, epochs_for
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import check_writable, write_text
from utils.log import log
from utils.paths import resolve_shipped

LEAST_REST = 20  # lines of the hand that no training sees


@dataclass(frozen=True)
class Row:
    """Scores on the rest of the hand and on others after learning from `lines`; `taken`: better on those held back."""

    lines: int
    rest: Scores
    others: Scores | None
    minutes: float
    taken: bool


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adaptation", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add_config_options(parser, "configs/adapt.yml")
    add("--hand", required=True, help="writer in the labels file; if none is called so, the beginning of file names")
    add("--split", choices=("train", "val", "test"), default="val", help="of the labels file (default: %(default)s)")
    add("--lines", type=number(int, 5), nargs="+", default=[20, 50, 100, 300], help="default: 20 50 100 300")
    add("--others", type=Path, nargs=2, metavar=("DIR", "FILE"), help="images and labels file of other hands, part val")
    add("--seed", type=number(int, 0), default=1, help="of the choice of lines (default: 1)")
    add("--output", type=Path, default=Path("benchmarks/adaptation.md"), help="table (default: %(default)s)")
    options = parser.parse_args(arguments)
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.conf, options.set)
    labels = Path(str(config.labels_file))
    check_writable(options.output, [labels, *(options.others or ())[1:]])
    configure_process()
    words = of_hand(options.hand, read_labels(labels).splits, options.split)
    sizes = [size for size in sorted(options.lines) if size + LEAST_REST <= len(words)]
    if not sizes:
        raise UserError(f"{labels} has {len(words)} lines of {options.hand} in {options.split}: too few.")
    if left_out := sorted(set(options.lines) - set(sizes)):
        numbers = ", ".join(map(str, left_out))
        log(f"Not learned from {numbers} lines: there are {len(words)}, of which {LEAST_REST} must be left to read.")
    words = [words[i] for i in np.random.default_rng(options.seed).permutation(len(words))]
    start = config.train.weights_initialization
    rest, before = words[sizes[-1] :], resolve_shipped(Path(start.restore_from or ""))
    rows = [Row(0, *_scores(before, config, rest, options.others), 0.0, True)]
    for size in sizes:
        log(f"Learning {options.hand} from {size} lines.")
        held_back = words[HELD_BACK - 1 : size : HELD_BACK]
        new, minutes = _learn([word for word in words[:size] if word not in held_back], held_back, config, options)
        cer_before, cer_after = (_scores(model, config, held_back)[0].cer for model in (before, new))
        taken = cer_after < cer_before
        scores = _scores(new, config, rest, options.others) if taken else (rows[0].rest, rows[0].others)
        rows.append(Row(size, *scores, minutes, taken))
        # After each size, for the next training may fail.
        write_text(options.output, table(options.hand, rows, len(rest)))
    print(table(options.hand, rows, len(rest)), end="")
    return 0


def of_hand(hand: str, splits: Mapping[str, Sequence[Word]], split: str) -> list[Word]:
    """Returns the words of a split that have `hand` as writer; if no split has any, those whose file names begin so.

    The beginning must end where a part of the name ends: hand `1` has no `10.png`.
    """
    if any(word.writer == hand for words in splits.values() for word in words):
        return [word for word in splits[split] if word.writer == hand]
    begins = re.compile(re.escape(hand) + r"(?:(?<=[/_.-])|(?=[/_.-])|$)")
    return [word for word in splits[split] if begins.match(word.filename)]


def _learn(
    train: Sequence[Word], held_back: Sequence[Word], config: Config, options: argparse.Namespace
) -> tuple[Path, float]:
    """Trains from the start as tools.serve does; returns the new model, and the minutes that it took."""
    folder = Path(config.experiment_folder) / str(len(train) + len(held_back))
    folder.mkdir(parents=True, exist_ok=True)
    labels = folder / LABELS_FILE
    write_labels(labels, {"train": train, "val": held_back, "test": []})
    settings = [*options.set, f"labels_file={labels}", f"experiment_folder={folder}"]
    settings.append(f"train.num_epochs={epochs_for(len(train), config.train.num_epochs)}")
    done = run("main.py", "-c", options.conf, "--train", "--restart", "--set", *settings)
    return ModelPaths.of(str(folder), config.callbacks).trained, done.seconds / 60


def _scores(
    model: Path, config: Config, words: Sequence[Word], others: Sequence[Path] | None = None
) -> tuple[Scores, Scores | None]:
    """Returns the model's scores on words of the config's images, and on the validation words of another dataset."""
    predictor = load_predictor(ModelFolder(model), config.predict, config.image.max_pixels)

    def read(dataset: Dataset) -> Scores:
        texts = [prediction.text for prediction in predictor.predict_dataset(dataset)]
        return score_prediction([word.label for word in dataset.words], texts)

    source, options, image = DataSource.of(config), DatasetOptions.of(config), predictor.spec.image
    rest = read(open_dataset(source, words, "val", image, options))
    if not others:
        return rest, None
    images, labels = map(str, others)
    elsewhere = config.model_copy(update={"images_folder": images, "labels_file": labels})
    return rest, read(open_split(elsewhere, "val", image))


def table(hand: str, rows: Sequence[Row], rest: int) -> str:
    """Returns the scores as Markdown."""
    lines = [
        f"{hand}, {rest} lines that no training saw; CER / WER in %.",
        "",
        "| corrected lines | rest of the hand | CER against before | other hands | minutes | taken into use |",
        "|---|---|---|---|---|---|",
    ]
    first = rows[0].rest.cer
    for row in rows:
        change = f"{100 * (row.rest.cer / first - 1):+.0f} %" if row.lines and first else ""
        others = _rates(row.others) if row.others else ""
        end = f"{row.minutes:.1f} | {'yes' if row.taken else 'no'}" if row.lines else " | "
        lines.append(f"| {row.lines} | {_rates(row.rest)} | {change} | {others} | {end} |")
    return "\n".join(lines) + "\n"


def _rates(scores: Scores) -> str:
    return f"{100 * scores.cer:.2f} / {100 * scores.wer:.2f}"


if __name__ == "__main__":
    sys.exit(main())

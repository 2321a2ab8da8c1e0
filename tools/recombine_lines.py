"""Makes new lines from the words of training lines: the beginning of one and the end of another by the same writer.

A network memorises the texts of a small dataset and then makes less use of the pictures than it could; new lines have
new texts. A model with a CTC head is used to locate the words, and to leave out lines that it reads differently.

Example: python -m tools.recombine_lines -c configs/iam.yml --set images_folder=datasets/lines/hooker_en \\
    labels_file=datasets/lines/hooker_en/labels.json --lines 6000 --output datasets/lines/hooker_recombined
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from data_generators.source import DataSource
from preprocessing.image_file import configure_process
from preprocessing.labels import Word
from preprocessing.recombine import Line, cut_line, join_lines
from tools.aligner import Aligner, hands
from tools.dataset_writer import DatasetWriter
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config
from utils.config.schema import Config

LEAST_WORDS = 3
TRIES = 6  # joined for each line wanted
LEAST_WIDTH, MOST_WIDTH = 0.4, 1.1  # of a new line, as parts of the wider one of both


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description="Makes new lines from the words of training lines.")
    add_config_options(parser, "configs/iam.yml")
    add = parser.add_argument
    add("--lines", type=number(int, 1), required=True, help="how many, fewer if the writers' lines don't suffice")
    add("--output", type=Path, required=True, help="folder of the dataset: lines/ and labels.json")
    options = parser.parse_args(arguments)
    return run_command(lambda: recombine(load_config(options.conf, options.set), options.lines, options.output))


def recombine(config: Config, number: int, output: Path) -> int:
    """Writes about `number` new lines, made from the config's training lines with its model; returns the exit code.

    Raises UserError if the labels file or the model can't be read, or no line can be made.
    """
    dataset = DatasetWriter(output, "lines")
    configure_process()
    source = DataSource.of(config)
    aligner = Aligner(config, source, dataset.left_out)
    rng = np.random.default_rng(config.seed)
    names = (f"{number:06}.png" for number in itertools.count())
    for writer, own, wanted in hands(source.read_labels().splits["train"], number, "lines"):
        parts = aligner.places(own) if wanted else ()
        lines = [line for part in parts if (line := cut_line(*part)) and len(line.words) >= LEAST_WORDS]
        candidates = new_lines(lines, TRIES * wanted, aligner.longest, rng)
        for label, picture in itertools.islice(aligner.confirmed(candidates), wanted):
            dataset.add("train", Word(next(names), label, writer), picture)
    dataset.finish("lines", f"No new line could be made of the training lines of {source.labels}.")
    return 0


def new_lines(
    lines: Sequence[Line], tries: int, longest: int, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields texts of at most `longest` characters and pictures, joined from the beginning and end of two lines."""
    for _ in range(tries if len(lines) > 1 else 0):
        first, second = (lines[index] for index in rng.choice(len(lines), 2, replace=False))
        label, picture = join_lines(
            first, int(rng.integers(1, len(first.words))), second, int(rng.integers(1, len(second.words)))
        )
        width = picture.shape[1] / max(first.picture.shape[1], second.picture.shape[1])
        if first.fits(second) and len(label) <= longest and LEAST_WIDTH <= width <= MOST_WIDTH:
            yield label, picture


if __name__ == "__main__":
    sys.exit(main())

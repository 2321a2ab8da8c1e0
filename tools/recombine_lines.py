"""Makes new lines from the words of training lines: the beginning of one and the end of another by the same writer.

A network memorises the texts of a small dataset and then makes less use of the pictures than it could; new lines have
new texts. A model with a CTC head is used to locate the words, and to leave out lines that it reads differently.

Example: python -m tools.recombine_lines -c configs/iam.yml --set images_folder=datasets/lines/hooker_en \\
    labels_file=datasets/lines/hooker_en/labels.json --lines 6000 --output datasets/lines/hooker_recombined
"""

import argparse
import functools
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

import numpy as np

from preprocessing.labels import Word
from preprocessing.recombine import Line, cut_line, join_lines
from tools.aligner import Aligner
from tools.recombining import Labelled, recombine
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config

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
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.conf, options.set)
    return recombine(config, options.lines, options.output, "lines", functools.partial(prepare, seed=config.seed))


def prepare(words: Sequence[Word], aligner: Aligner, seed: int) -> Callable[[Sequence[Word], int], Labelled]:
    """Returns a function that makes new lines from a writer's lines, none with a text that `words` have."""
    known = {word.label for word in words}
    rng = np.random.default_rng(seed)

    def candidates(own: Sequence[Word], wanted: int) -> Labelled:
        cut = (cut_line(*part) for part in aligner.places(own))
        lines = [line for line in cut if line and len(line.words) >= LEAST_WORDS]
        return new_lines(lines, TRIES * wanted, aligner.longest, known, rng)

    return candidates


def new_lines(
    lines: Sequence[Line], tries: int, longest: int, known: Set[str], rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields texts and pictures, joined from the beginning and end of two lines, none twice.

    Texts have at most `longest` characters and are not among `known`.
    """
    made: set[tuple[int, ...]] = set()
    for _ in range(tries if len(lines) > 1 else 0):
        places = [int(index) for index in rng.choice(len(lines), 2, replace=False)]
        first, second = (lines[index] for index in places)
        cuts = int(rng.integers(1, len(first.words))), int(rng.integers(1, len(second.words)))
        if (*places, *cuts) in made:
            continue
        made.add((*places, *cuts))
        label, picture = join_lines(first, cuts[0], second, cuts[1])
        width = picture.shape[1] / max(first.picture.shape[1], second.picture.shape[1])
        fits = first.fits(second) and len(label) <= longest and LEAST_WIDTH <= width <= MOST_WIDTH
        if fits and label not in known:
            yield label, picture


if __name__ == "__main__":
    sys.exit(main())

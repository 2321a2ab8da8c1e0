"""Creates a dataset of rendered words in IAM's layout: images below words/, and labels.json.

Example: python -m tools.create_synthetic --output datasets/synthetic --words 20000
"""

import argparse
import sys
from typing import get_args

from data_generators.synthetic.dataset import create_synthetic, split_sizes
from utils.cli import number, run_command
from utils.config.synthetic import DRAWN_BY, MOST_WORDS, SyntheticConfig, Text


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    options = _parse(arguments)
    return run_command(lambda: _create(options), "Interrupted; the same command starts over.")


def _create(options: argparse.Namespace) -> int:
    settings = SyntheticConfig(**{name: getattr(options, name) for name in DRAWN_BY})
    print(create_synthetic(options.output, split_sizes(options.words), settings, options.workers))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    description = "Creates a dataset of rendered words in IAM's layout."
    parser = argparse.ArgumentParser(description=description)
    add, defaults = parser.add_argument, SyntheticConfig()
    add("--output", required=True, help="folder of the dataset, such as datasets/synthetic")
    add("--words", type=int, required=True, help="number of training words; val and test get a tenth each")
    share = "share of labels that are not words, 0 to 1 (default: %(default)s)"
    add(
        "--beyond_dictionary", type=number(float, 0, 1), default=defaults.beyond_dictionary, metavar="SHARE", help=share
    )
    text = "accented: French, German and Spanish words with accents (default: %(default)s)"
    add("--text", choices=get_args(Text), default=defaults.text, help=text)
    add(
        "--most_words",
        type=number(int, 1, MOST_WORDS),
        default=defaults.most_words,
        help="most words in an image; 10 for lines (default: %(default)s)",
    )
    add("--seed", type=number(int, 0), default=defaults.seed, help="other seeds give other words (default: 1)")
    add("--workers", type=int, default=0, help="number of processes (default: one per CPU core)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

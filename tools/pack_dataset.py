"""Packs training words into a few large files, for train.packed.folder.

python -m tools.pack_dataset -c configs/iam_fast.yml --output datasets/packed
python -m tools.pack_dataset -c configs/synthetic.yml --output datasets/million --synthetic 1000000
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from data_generators.dataset import DatasetOptions, characters_of, label_problem, report_unusable
from data_generators.image_store import Row
from data_generators.packed import NAME, write_packed
from data_generators.source import DataSource
from data_generators.synthetic.sample import sample
from data_generators.training_words import training_image
from models.model_spec import ModelSpec
from preprocessing.image_file import configure_process
from preprocessing.labels import LABELS_FILE, Word, write_labels
from preprocessing.tokenizer import Tokenizer
from preprocessing.word_image import word_image_of_array
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config
from utils.config.schema import Config
from utils.config.synthetic import SyntheticConfig
from utils.errors import UserError
from utils.log import log, progress_bar
from utils.parallel import ordered_map, process_map
from utils.system import usable_cores

TASK_WORDS = 256


def pack_dataset(config: Config, output: Path) -> int:
    """Packs the training words of the config's labels file, in random order; returns their number.

    Words that training could not use are left out and counted. A labels file with only the validation and test words is
    written beside the packed data, so that training need not hold the others in memory. Raises UserError if too many
    words are unusable (`train.max_unusable_share`), the folder can't be written, or it holds the labels of another
    dataset.
    """
    source = DataSource.of(config)
    labels = source.read_labels()
    if (output / LABELS_FILE).exists() and not (output / f"{NAME}.json").exists():
        raise UserError(f"{output / LABELS_FILE} is of no packed dataset; name another folder with --output.")
    words = labels.splits["train"]
    spec = _spec(config, characters_of(words))
    order = np.random.default_rng(config.seed).permutation(len(words))
    reasons: Counter[str] = Counter()

    def usable() -> Iterator[Row]:
        read = partial(_read, source, spec)
        results = ordered_map(read, (words[i] for i in order), ThreadPoolExecutor(usable_cores()), ahead=64)
        for label, content in _bar(results, len(words)):
            if isinstance(content, str):
                reasons[content] += 1
            else:
                yield label, content
        report_unusable(reasons, len(words), "train", source, DatasetOptions.of(config))

    packed = write_packed(output, usable(), spec.image)
    write_labels(output / LABELS_FILE, {**labels.splits, "train": []})
    return packed


def pack_synthetic(config: Config, output: Path, number: int, workers: int) -> int:
    """Renders words straight into a packed dataset; returns the number of those that training can use.

    Word i is that of `tools.create_synthetic` with the same `synthetic.seed`, without a file of its own; `workers` is
    the number of processes, 0 for one per CPU core. Raises UserError if the folder can't be written.
    """
    tasks = [(first, min(first + TASK_WORDS, number)) for first in range(0, number, TASK_WORDS)]
    spec = _spec(config, set())
    render = partial(_render, config.synthetic, spec, config.network.charset is None)
    groups = process_map(render, tasks, workers)
    packed = write_packed(output, _bar((row for group in groups for row in group), number), spec.image)
    if packed < number:
        log(
            f"{number - packed} of {number} words are left out: too long for network.max_seq_length "
            f"{config.network.max_seq_length}, or of characters outside network.charset."
        )
    return packed


def _spec(config: Config, characters: set[str]) -> ModelSpec:
    """Returns the network that the words are packed for; its charset is the config's, else `characters`."""
    tokenizer = Tokenizer(config.network.charset or "".join(sorted(characters)) or " ", config.text.direction)
    return ModelSpec(training_image(config.image, config.data_aug), config.network, tokenizer)


def _read(source: DataSource, spec: ModelSpec, word: Word) -> Row:
    problem = label_problem(word.label, spec)
    return word.label, problem or source.images.read(word.filename, spec.image)


def _render(settings: SyntheticConfig, spec: ModelSpec, any_charset: bool, task: tuple[int, int]) -> list[Row]:
    """Returns the words first..end-1 that the network can learn; `any_charset`: of any characters."""
    rows: list[Row] = []
    for index in range(*task):
        image, label, _ = sample(settings, "train", index)
        fits = len(label) < spec.network.max_seq_length if any_charset else not label_problem(label, spec)
        if fits:
            rows.append((label, word_image_of_array(image, spec.image)))
    return rows


def _bar(items: Iterable, total: int) -> Iterable:
    return progress_bar(items, desc="Packing", total=total, unit=" words", mininterval=0.5)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns 0, 2 when the user can correct the problem, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add_config_options(parser)
    add("--output", required=True, help="folder of the packed dataset")
    add("--synthetic", type=number(int, 1), metavar="N", help="render N words instead of packing the config's own")
    add("--workers", type=int, default=0, help="processes that render (default: one per CPU core)")
    options = parser.parse_args(arguments)
    return run_command(lambda: _pack(options), "Interrupted; the same command starts over.")


def _pack(options: argparse.Namespace) -> int:
    configure_process()
    config, output = load_config(options.conf, options.set), Path(options.output)
    if options.synthetic:
        words = pack_synthetic(config, output, options.synthetic, max(0, options.workers))
    else:
        words = pack_dataset(config, output)
    print(f"{words} words in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Packs training words into a few large files, for train.packed.folder.

python -m tools.pack_dataset -c configs/iam_fast.yml --output datasets/packed
python -m tools.pack_dataset -c configs/synthetic.yml --output datasets/million --synthetic 1000000
"""

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from data_generators.dataset import label_problem, read_dataset_labels, report_unusable
from data_generators.image_cache import OUTSIDE_FOLDER, ordered_map
from data_generators.packed_store import GROUP_WORDS, PackedWord, require_arrow, write_packed
from data_generators.synthetic import sample
from data_generators.synthetic.dataset import start_worker
from preprocessing.labels import Word, write_labels
from preprocessing.tokenizer import Tokenizer
from preprocessing.word_image import UnusableImage, read_word_image, word_image_of_array
from utils.cli import run_command
from utils.config.load import load_config
from utils.config.schema import Config
from utils.files import is_inside
from utils.log import progress_bar
from utils.system import usable_cores

LABELS_FILE = "labels.json"


def pack_dataset(config: Config, output: Path) -> int:
    """Packs the training words of the config's labels file, in random order; returns their number.

    Words that training could not use are left out and counted. Beside the shards comes a labels file with
    the validation and test words alone, for a training that doesn't hold the others in memory.

    Raises:
        UserError: too many words are unusable (`train.max_unusable_share`), or the folder can't be written.
    """
    require_arrow()
    config = config.for_training_words
    labels = read_dataset_labels(config)
    words = labels.splits["train"]
    charset = config.network.charset
    tokenizer = Tokenizer(charset) if charset else Tokenizer.from_labels([word.label for word in words])
    order = np.random.default_rng(config.seed).permutation(len(words))
    reasons: Counter[str] = Counter()

    def usable() -> Iterator[PackedWord]:
        read = partial(_read, config, tokenizer)
        results = ordered_map(read, (words[i] for i in order), threads=2, ahead=64)
        for result in _bar(results, len(words)):
            if isinstance(result, str):
                reasons[result] += 1
            else:
                yield result
        report_unusable(reasons, len(words), "train", config)

    packed = write_packed(output, usable(), config.image)
    write_labels(output / LABELS_FILE, {**labels.splits, "train": []})
    return packed


def pack_synthetic(config: Config, output: Path, number: int, workers: int = 0) -> int:
    """Renders words straight into a packed dataset; returns the number of those that training can use.

    Word i is that of `tools.create_synthetic` with the same `synthetic.seed`, without a file of its own.

    Args:
        workers: processes; 0 means one per CPU core.

    Raises:
        UserError: the folder can't be written.
    """
    require_arrow()
    config = config.for_training_words
    tasks = [(first, min(first + GROUP_WORDS, number)) for first in range(0, number, GROUP_WORDS)]
    render = partial(_render, config)
    workers = min(workers or usable_cores(), len(tasks))
    if workers == 1:
        groups: Iterator[list[PackedWord]] = map(render, tasks)
    else:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker)
        groups = ordered_map(render, tasks, workers, ahead=4 * workers, executor=pool)
    return write_packed(output, _bar((word for group in groups for word in group), number), config.image)


def _read(config: Config, tokenizer: Tokenizer, word: Word) -> PackedWord | str:
    """The packed word, or why it is unusable."""
    folder = Path(config.images_folder)
    if problem := label_problem(word.label, tokenizer, config):
        return problem
    if not is_inside(folder / word.filename, folder):
        return OUTSIDE_FOLDER
    try:
        return word.label, read_word_image(folder / word.filename, config.image)
    except UnusableImage as error:
        return error.reason


def _render(config: Config, task: tuple[int, int]) -> list[PackedWord]:
    settings, charset = config.synthetic, config.network.charset
    tokenizer = Tokenizer(charset) if charset else None
    words = []
    for index in range(*task):
        image, label, _ = sample(settings.seed, "train", index, settings.beyond_dictionary, settings.text)
        too_long = len(label) >= config.network.max_seq_length
        if not too_long and not (tokenizer and label_problem(label, tokenizer, config)):
            words.append((label, word_image_of_array(image, config.image)))
    return words


def _bar(items: Iterable, total: int) -> Iterable:
    return progress_bar(items, desc="Packing", total=total, unit=" words", mininterval=0.5)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns 0, 2 when the user can mend the problem, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tools.pack_dataset", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-c", "--conf", default="configs/config.yml", help="config file (default: %(default)s)")
    add("--set", nargs="+", action="extend", default=[], metavar="KEY.PATH=VALUE", help="override its keys")
    add("--output", required=True, help="folder of the packed dataset")
    add("--synthetic", type=int, metavar="N", help="render N words instead of packing the config's own")
    add("--workers", type=int, default=0, help="processes that render (default: one per CPU core)")
    options = parser.parse_args(arguments)
    if options.synthetic is not None and options.synthetic < 1:
        parser.error("--synthetic needs 1 word or more")
    return run_command(lambda: _pack(options), "Interrupted; the same command starts over.")


def _pack(options: argparse.Namespace) -> int:
    cv2.setNumThreads(1)
    config, output = load_config(options.conf, options.set), Path(options.output)
    if options.synthetic:
        words = pack_synthetic(config, output, options.synthetic, max(0, options.workers))
    else:
        words = pack_dataset(config, output)
    print(f"{words} words in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

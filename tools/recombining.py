"""Makes new words or lines of each writer's own, and keeps those that a model confirms."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from data_generators.source import DataSource
from preprocessing.image_file import configure_process
from preprocessing.labels import Word
from tools.aligner import Aligner
from tools.dataset_writer import DatasetWriter
from utils.config.schema import Config
from utils.log import log, progress_bar

MOST_WORDS = 2000  # of a hand, whose pictures are in memory at the same time

Labelled = Iterator[tuple[str, np.ndarray]]
# Of all training words and an aligner: a function that makes new ones of a writer's, about as many as wanted.
Prepare = Callable[[Sequence[Word], Aligner], Callable[[Sequence[Word], int], Labelled]]


def recombine(config: Config, number: int, output: Path, things: str, prepare: Prepare) -> int:
    """Writes about `number` new `things`, made from the config's training data with its model; returns the exit code.

    Raises UserError if the labels file or the model can't be read, or nothing can be made.
    """
    dataset = DatasetWriter(output, things)
    configure_process()
    source = DataSource.of(config)
    words = source.read_labels().splits["train"]
    aligner = Aligner(config, source, dataset.left_out)
    candidates = prepare(words, aligner)
    names = (f"{index:06}.png" for index in itertools.count())
    for writer, own, wanted in hands(words, number, things):
        if wanted:
            for label, picture in itertools.islice(aligner.confirmed(candidates(own, wanted)), wanted):
                dataset.add("train", Word(next(names), label, writer), picture)
    thing = things.removesuffix("s")
    dataset.finish(things, f"No new {thing} could be made of the training {things} of {source.labels}.")
    return 0


def hands(words: Sequence[Word], number: int, things: str) -> Iterator[tuple[str | None, list[Word], int]]:
    """Yields each writer, the writer's words and how many of `number` new ones to make from them, with a progress bar.

    At most MOST_WORDS are yielded at a time, since their pictures are held in memory.
    """
    writers: dict[str | None, list[Word]] = defaultdict(list)
    for word in words:
        writers[word.writer].append(word)
    if unknown := len(writers[None]):
        log(f"Of {unknown} {things} the writer is unknown; they are taken for those of one hand.")
    with progress_bar(desc=f"Recombining {things}", total=len(words), unit=things.removesuffix("s")) as bar:
        done = 0
        for writer, all_own in writers.items():
            for start in range(0, len(all_own), MOST_WORDS):
                own = all_own[start : start + MOST_WORDS]
                # Of the writers with few words, some get one and some none.
                wanted = round(number * (done + len(own)) / len(words)) - round(number * done / len(words))
                done += len(own)
                yield writer, own, wanted
                bar.update(len(own))

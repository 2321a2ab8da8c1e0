"""One measurement, in the process that `benchmarks/process.py` starts for it; prints its result as JSON.

python -m benchmarks.worker TASK '{"config": FILE, "set": [KEY.PATH=VALUE, ...], "seconds": N}'
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from utils.config.load import load_config
from utils.config.schema import Config
from utils.keras_import import import_keras


def training(config: Config, seconds: float) -> dict[str, float]:
    """Words per second of `fit`, augmentation and all."""
    import_keras()
    from benchmarks.training import measure

    return measure(config, seconds)


def seed_training(config: Config, seconds: float) -> dict[str, float]:
    """The same in the way of the project that this one descends from."""
    import_keras()
    from benchmarks.seed_training import measure

    return measure(config, seconds)


def generator(config: Config, seconds: float) -> dict[str, float]:
    """Words per second that are augmented and batched on one core."""
    import_keras()
    import cv2

    from benchmarks.training import prepare

    _, batches = prepare(config)
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    return throughput(batch_sizes(batches), seconds)


def reading(config: Config, seconds: float) -> dict[str, float]:
    """Words per second of evaluation; all test words are read, however long it takes."""
    from benchmarks.reading import read_words

    return read_words(config)


def seed_decoding(config: Config, seconds: float) -> dict[str, float]:
    """The same in the way of the project that this one descends from."""
    import_keras()
    from benchmarks.seed_decoding import read_words

    return read_words(config)


def packed(config: Config, seconds: float) -> dict[str, float]:
    """Words per second of one whole epoch of augmented batches from a packed dataset."""
    # It is the generator's memory that is measured, without a runtime that trains.
    os.environ["KERAS_BACKEND"] = "numpy"
    import_keras()
    from benchmarks.packed import stream_epoch

    return stream_epoch(config)


TASKS = {task.__name__: task for task in (training, seed_training, generator, reading, seed_decoding, packed)}


def batch_sizes(batches: Any) -> Iterator[int]:
    """Makes batch after batch, epoch after epoch; yields how many words each has."""
    epoch = 0
    while True:
        for index in range(len(batches)):
            yield len(batches.batch(epoch, index)[0]["image"])
        epoch += 1


def throughput(sizes: Iterator[int], seconds: float) -> dict[str, float]:
    """Words per second of what yields numbers of words; the first batch is for warming up."""
    next(sizes)
    start, words, passed = time.perf_counter(), 0, 0.0
    while not words or passed < seconds:
        words += next(sizes)
        passed = time.perf_counter() - start
    return {"words_per_second": words / passed, "words": words}


if __name__ == "__main__":
    name, options = sys.argv[1], json.loads(sys.argv[2])
    result = TASKS[name](load_config(options["config"], options["set"]), options["seconds"])
    print(json.dumps(result))

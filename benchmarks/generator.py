"""How many words does one core augment and batch, compared with a training that uses them?"""

import itertools
import os
import time

from benchmarks.process import in_turn
from benchmarks.report import Row, speed_rows
from benchmarks.settings import COMPACT, Settings
from utils.config.schema import Config
from utils.keras_import import import_keras


def rows(settings: Settings) -> list[Row]:
    """Words per second that one core prepares."""
    training = f"training of {COMPACT}"
    tasks = {
        "generator on one core": settings.task("generator.measure", COMPACT, settings.words),
        training: settings.task("training.measure", COMPACT, settings.words),
    }
    return speed_rows("generator", in_turn(tasks, settings.repeats), training)


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Makes batches for some seconds on one core."""
    import_keras()
    import cv2

    from benchmarks.training import prepare

    _, batches = prepare(config)
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    start, words, passed = time.perf_counter(), 0, 0.0
    for step in itertools.count():
        epoch, index = divmod(step, len(batches))
        words += len(batches.batch(epoch, index)[0]["image"])
        passed = time.perf_counter() - start
        if not step:  # a warm-up
            start, words = time.perf_counter(), 0
        elif passed >= seconds:
            break
    return {"words_per_second": words / passed, "words": words}

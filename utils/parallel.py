"""Work that threads or processes do ahead of its use."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor

import cv2

from utils.system import usable_cores


def ordered_map(function: Callable, items: Iterable, executor: Executor, ahead: int) -> Iterator:
    """Yields `function(item)` of each item in order, computed by `executor`, which is shut down at the end.

    At most `ahead` results wait, so memory stays constant.
    """
    waiting: deque = deque()
    with executor:
        try:
            for item in items:
                waiting.append(executor.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def process_map(function: Callable, tasks: Sequence, workers: int) -> Generator:
    """Yields `function(task)` of each task in order, from processes (0: one per core) that end with the generator."""
    workers = min(workers or usable_cores(), len(tasks))
    if workers == 1:
        yield from map(function, tasks)
        return
    # Spawned, not forked: a fork of a process with threads (TensorFlow's) may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    yield from ordered_map(function, tasks, pool, ahead=4 * workers)


def _start_worker() -> None:
    """Prepares a worker process: Ctrl-C is left to the parent, OpenCV runs on one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)

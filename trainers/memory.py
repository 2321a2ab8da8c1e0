"""Measures and keeps the memory of a training run, and composes the error when there is too little."""

import ctypes
import sys

import keras
import numpy as np

from base.base_data_generator import BaseDataGenerator
from utils.errors import UserError
from utils.system import is_out_of_memory

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of glibc's malloc.h
KEPT = 2**31 - 1  # bytes, the most that can be set


def out_of_memory(model: keras.Model, generator: BaseDataGenerator) -> UserError:
    """Returns an error that names a batch size, or with `train.batch_width` a width, that fits, found by trying.

    The trial steps change the model, which must not be saved after them.
    """
    key = "train.batch_width" if generator.batch_width else "train.batch_size"
    failed = f"Out of memory at {key} {generator.batch_width or generator.batch_size}; "
    if generator.pads_batches:  # The other processes would have to take part in the trial.
        return UserError(f"{failed}lower it and continue with the same command, or start again with --restart.")
    words = fitting_words(model, generator)
    fitting = words * int(generator.widths.max()) if generator.batch_width else words
    if not words:
        return UserError(f"{failed}not even one word fits: make the network smaller, and start again with --restart.")
    return UserError(
        f"{failed}{key}={fitting} fits: set it; "
        "snapshots and the last saved state, if there are any, are kept, and the same command continues from it."
    )


def fitting_words(model: keras.Model, generator: BaseDataGenerator) -> int:
    """Returns how many of the widest words fit: the largest half, quarter, ... of those of a batch, or 1; 0: none."""
    widest = np.argsort(generator.widths)[::-1]
    words = min(generator.batch_size, len(widest))
    if generator.batch_width:
        words = min(words, generator.batch_width // int(generator.widths.max()))
    words = max(1, words // 2)  # A batch of narrow words may need more memory than the widest.
    while words:
        try:
            model.train_on_batch(*generator.make_batch(widest[:words], epoch=0))
            return words
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        words //= 2
    return 0


def peak_memory() -> str:
    """Returns the peak memory of this process in GB."""
    if resource is None:
        return "unknown on this system"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KB, macOS in bytes.
    return f"{peak / (1e9 if sys.platform == 'darwin' else 1e6):.2f} GB"


def keep_freed_memory() -> None:
    """Lets the process keep memory that it frees instead of returning it at once.

    Each training step frees the same large arrays and allocates them again; without this, the system clears all their
    pages each time, which takes a third of the processor time of a small network. Only glibc has these settings;
    elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        # No arrays outside of the heap. A threshold for them does not hold in trainings: TensorFlow calls mallopt, too.
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT)
        # One heap for all threads: per-thread heaps return their memory despite the settings.
        mallopt(M_ARENA_MAX, 1)

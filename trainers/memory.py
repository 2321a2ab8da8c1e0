"""The memory of a training: its peak, what the process keeps of it, and the error when there is too little."""

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

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT = 1 << 30  # bytes


def out_of_memory(model: keras.Model, generator: BaseDataGenerator) -> UserError:
    """Returns an error that names a batch size that fits, found by trying.

    The trial steps change the model, which must not be saved after them.
    """
    if generator.pads_batches:  # The other processes would have to take part in the trial.
        return UserError(
            f"Out of memory at train.batch_size {generator.batch_size}; lower it and continue with the "
            "same command, or start again with --restart."
        )
    size = fitting_batch_size(model, generator)
    advice = f"train.batch_size={size} fits" if size else "not even one word fits: make the network smaller"
    return UserError(
        f"Out of memory at train.batch_size {generator.batch_size}; {advice}; "
        "the snapshots and the last saved state are kept: set it to continue, or start again with --restart."
    )


def fitting_batch_size(model: keras.Model, generator: BaseDataGenerator) -> int:
    """Returns the largest half, quarter, ... of the batch size at which the widest words fit; 0: none."""
    widest = np.argsort(generator.widths)[::-1]
    size = min(generator.batch_size, len(widest))
    while size > 1:
        size //= 2
        try:
            model.train_on_batch(*generator.make_batch(widest[:size], epoch=0))
            return size
        except Exception as error:
            if not is_out_of_memory(error):
                raise
    return 0


def peak_memory() -> str:
    """Returns the peak memory of this process in GB."""
    if resource is None:
        return "unknown on this system"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KB, macOS in bytes.
    return f"{peak / (1e9 if sys.platform == 'darwin' else 1e6):.2f} GB"


def keep_freed_memory() -> None:
    """Lets the process keep memory that it frees, up to a gigabyte, instead of returning it at once.

    A training step frees and asks for the same large arrays again; without this the system clears every page of them
    each time, which is a quarter of the processor time of a small network. Only glibc knows these settings; elsewhere
    nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, KEPT)
        mallopt(M_TRIM_THRESHOLD, KEPT)

"""The machine: cores, and memory that is kept or has run out."""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT = 1 << 30  # bytes


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


def usable_cores() -> int:
    """Cores that this process may use, where the system tells (a container's or batch job's share)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether numpy, TensorFlow, XLA or ONNX Runtime could not get the memory they asked for."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    words = ("RESOURCE_EXHAUSTED", "std::bad_alloc", "Failed to allocate memory")
    return any(word in str(error) for word in words)

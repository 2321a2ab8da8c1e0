"""How the C library hands out memory."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT = 1 << 30  # bytes


def keep_freed_memory() -> None:
    """Lets the process keep memory that it frees, up to a gigabyte, instead of returning it at once.

    A training step frees and asks for the same large arrays again; without this the system clears
    every page of them each time, which is a quarter of the processor time of a small network.
    Only glibc knows these settings; elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, KEPT)
        mallopt(M_TRIM_THRESHOLD, KEPT)

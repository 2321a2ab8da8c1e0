"""The machine: cores, and memory that has run out."""

import os


def usable_cores() -> int:
    """Cores that this process may use, where the system tells (a container's or batch job's share)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether numpy, OpenCV, TensorFlow, XLA or ONNX Runtime could not get the memory they asked for."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    words = ("RESOURCE_EXHAUSTED", "std::bad_alloc", "Failed to allocate memory", "Insufficient memory")
    return any(word in str(error) for word in words)

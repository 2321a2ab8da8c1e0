"""Tells running out of memory from other errors."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether numpy, TensorFlow or XLA could not get the memory they asked for."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    return "RESOURCE_EXHAUSTED" in str(error) or "std::bad_alloc" in str(error)

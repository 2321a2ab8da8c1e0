"""Tells running out of memory from other errors."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether numpy, TensorFlow, XLA or ONNX Runtime could not get the memory they asked for."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    words = ("RESOURCE_EXHAUSTED", "std::bad_alloc", "Failed to allocate memory")
    return any(word in str(error) for word in words)

"""Mixed-precision training (Micikevicius et al. 2018, arXiv:1710.03740).

On CPUs TensorFlow's graph rewriter computes matrix products and convolutions in bfloat16, which takes about
two thirds of the time. On GPUs, and with JAX, Keras' dtype policies compute all layers in 16 bits, and scale
the loss for float16, whose range is small. Weights always stay float32. Evaluation and prediction always run
in float32, so that decoded text doesn't depend on the machine.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras

REWRITER = "auto_mixed_precision_onednn_bfloat16"
# AVX512's bfloat16 instructions save time on AMD's processors. On Intel's, where a virtual machine may hide
# AMX, they take twice as long as float32 (TensorFlow 2.21).
CPU_FLAGS = [{"amx_bf16"}, {"avx512_bf16", "AuthenticAMD"}]
CPU_INFO = Path("/proc/cpuinfo")


def resolve_precision(precision: str) -> str:
    """Returns `train.precision` for this machine: float32, mixed_bfloat16 or mixed_float16.

    `auto` is mixed_bfloat16 where TensorFlow trains on a CPU with instructions for it, else float32.
    """
    if precision == "auto":
        return "mixed_bfloat16" if trains_on_cpu() and _has_bfloat16() else "float32"
    return precision


def dtype_policy(precision: str) -> str:
    """Returns the Keras policy of a network that is trained in a resolved `precision`."""
    return "float32" if precision == "mixed_bfloat16" and trains_on_cpu() else precision


@contextlib.contextmanager
def dtype_scope(policy: str) -> Iterator[None]:
    """Sets the dtype policy of layers created within the block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def precision_scope(precision: str) -> Iterator[None]:
    """Switches TensorFlow's graph rewriter on CPUs according to `precision` within the block."""
    if not trains_on_cpu():
        yield
        return
    from tensorflow import config

    before = config.optimizer.get_experimental_options().get(REWRITER, False)
    config.optimizer.set_experimental_options({REWRITER: precision == "mixed_bfloat16"})
    try:
        yield
    finally:
        config.optimizer.set_experimental_options({REWRITER: before})


def trains_on_cpu() -> bool:
    """Whether the backend is TensorFlow on a CPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    from tensorflow import config

    return not config.list_logical_devices("GPU")


def _has_bfloat16() -> bool:
    """Whether the CPU is known to be fast in bfloat16."""
    try:
        known = set(CPU_INFO.read_text(encoding="utf-8").split())
    except OSError:
        return False
    return any(flags <= known for flags in CPU_FLAGS)

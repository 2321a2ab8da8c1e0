"""Training in 16-bit floats on processors that compute in them faster.

On CPUs TensorFlow's graph rewriter does it for bfloat16, which takes about two thirds of the time: matrix
products and convolutions are computed in bfloat16, while sums, softmax and the weights themselves stay
float32. On GPUs, and with JAX, Keras' dtype policies do it (Micikevicius et al. 2018, arXiv:1710.03740): all
layers compute in 16 bits, the weights stay float32, and float16, whose range is small, scales the loss.

Decoded text must not depend on the machine, so evaluation and prediction always run in float32.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras

REWRITER = "auto_mixed_precision_onednn_bfloat16"
# AVX512's bfloat16 instructions are worth it on AMD's processors. On Intel's, whose AMX a virtual machine may
# hide, convolutions and matrix products take twice as long with them as in float32 (TensorFlow 2.21).
CPU_FLAGS = [{"amx_bf16"}, {"avx512_bf16", "AuthenticAMD"}]
CPU_INFO = Path("/proc/cpuinfo")


def resolve_precision(precision: str) -> str:
    """What `train.precision` means on this machine: float32, mixed_bfloat16 or mixed_float16.

    `auto` is mixed_bfloat16 where TensorFlow trains on a CPU that has instructions for it.
    """
    if precision == "auto":
        return "mixed_bfloat16" if trains_on_cpu() and _has_bfloat16() else "float32"
    return precision


def dtype_policy(precision: str) -> str:
    """The Keras policy to build a network with that is trained in `precision`, a result of the above."""
    return "float32" if precision == "mixed_bfloat16" and trains_on_cpu() else precision


@contextlib.contextmanager
def dtype_scope(policy: str) -> Iterator[None]:
    """Within the block new layers have this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def precision_scope(precision: str) -> Iterator[None]:
    """Within the block the graph rewriter, where there is one, works as `precision` asks."""
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
    """Whether TensorFlow trains, and on a CPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    from tensorflow import config

    return not config.list_logical_devices("GPU")


def _has_bfloat16() -> bool:
    """Whether the CPU is quick in bfloat16; where that can't be found out, it is taken not to."""
    try:
        known = set(CPU_INFO.read_text(encoding="utf-8").split())
    except OSError:
        return False
    return any(flags <= known for flags in CPU_FLAGS)

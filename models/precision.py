"""Training in bfloat16 on processors that compute in it, which takes about two thirds of the time.

TensorFlow's graph rewriter does it: matrix products and convolutions are computed in bfloat16, while sums,
softmax and the weights themselves stay float32. Decoded text must not depend on the machine, so evaluation
and prediction always run in float32.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras

from utils.errors import UserError

REWRITER = "auto_mixed_precision_onednn_bfloat16"
# AVX512's bfloat16 instructions are worth it on AMD's processors. On Intel's, whose AMX a virtual machine may
# hide, convolutions and matrix products take twice as long with them as in float32 (TensorFlow 2.21).
CPU_FLAGS = [{"amx_bf16"}, {"avx512_bf16", "AuthenticAMD"}]
CPU_INFO = Path("/proc/cpuinfo")


def resolve_precision(precision: str) -> str:
    """What `train.precision` means on this machine: float32 or mixed_bfloat16.

    `auto` is mixed_bfloat16 where TensorFlow trains on a CPU that has instructions for it.

    Raises:
        UserError: mixed_bfloat16 was asked for where the graph rewriter doesn't work.
    """
    on_cpu = _trains_on_cpu()
    if precision == "mixed_bfloat16" and not on_cpu:
        raise UserError("train.precision mixed_bfloat16 needs TensorFlow on a CPU; set it to auto.")
    if precision == "auto":
        return "mixed_bfloat16" if on_cpu and _has_bfloat16() else "float32"
    return precision


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Within the block compiled functions run in `precision`, a result of `resolve_precision`."""
    if not _trains_on_cpu():
        yield
        return
    from tensorflow import config

    before = config.optimizer.get_experimental_options().get(REWRITER, False)
    config.optimizer.set_experimental_options({REWRITER: precision == "mixed_bfloat16"})
    try:
        yield
    finally:
        config.optimizer.set_experimental_options({REWRITER: before})


def _trains_on_cpu() -> bool:
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

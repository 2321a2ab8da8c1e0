"""The devices and processes of one training: Keras' strategies, and exchange between the processes."""

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np

from utils.config.train import DistributionConfig
from utils.errors import Interrupted, UserError
from utils.log import log

# Words in the errors of gloo, NCCL and gRPC when the process at the other end has ended.
LOST = ("gloo", "nccl", "connection", "peer", "heartbeat", "coordination", "deadline", "unavailable")


class Cluster:
    """Process `index` of the `number` of a training, and its devices; `distributed` if there are several of either."""

    def __init__(self, strategy: str = "none", handle: Any = None, index: int = 0, number: int = 1) -> None:
        """Takes TensorFlow's strategy or Keras' distribution as `handle`."""
        self.strategy, self.index, self.number = strategy, index, number
        self.distributed = strategy != "none"
        self._handle = handle

    @property
    def is_first(self) -> bool:
        """Whether this is the one process that writes files."""
        return self.index == 0

    @property
    def devices(self) -> int:
        """Number of devices, of all processes."""
        if self.strategy == "mirrored":
            return self._handle.num_replicas_in_sync
        return self._handle.num_model_replicas if self.distributed else 1

    def training_scope(self) -> AbstractContextManager[Any]:
        """Scope in which networks are built and trained for all devices."""
        return self._handle.scope() if self.strategy == "mirrored" else self.fit_scope()

    def fit_scope(self) -> AbstractContextManager[Any]:
        """Scope of `fit`, whose callbacks run outside of a mirrored strategy."""
        parallel = self.strategy == "data_parallel"
        return _distribution(self._handle) if parallel else contextlib.nullcontext()

    def local_scope(self) -> AbstractContextManager[Any]:
        """Scope in which networks are built and run for this process alone."""
        return _distribution(None) if self.strategy == "data_parallel" else contextlib.nullcontext()

    def gather(self, value: Any) -> list[Any]:
        """Returns the JSON values of all processes, in their order; all processes must call it."""
        if self.number == 1:
            return [value]
        from jax.experimental.multihost_utils import process_allgather

        text = np.frombuffer(json.dumps(value).encode(), np.uint8)
        sizes = process_allgather(np.array([len(text)], np.int32))[:, 0]
        padded = np.zeros(sizes.max(), np.uint8)
        padded[: len(text)] = text
        rows = process_allgather(padded)
        return [json.loads(row[:size].tobytes()) for row, size in zip(rows, sizes)]

    def stops_at(self, step: int) -> bool:
        """Whether all processes must stop after this step (counted over the training): one got a signal."""
        if self.number == 1:
            return False
        from jax.experimental.multihost_utils import reached_preemption_sync_point

        return reached_preemption_sync_point(step)

    @contextlib.contextmanager
    def main_process_first(self) -> Iterator[None]:
        """Runs the block in process 0, which creates files, and then in the others."""
        if not self.is_first:
            self.gather(None)
        yield
        if self.is_first:
            self.gather(None)

    def check_identical(self, value: Any, what: str) -> None:
        """Raises UserError if not all processes have the same `value`."""
        values = self.gather(value)
        for index, other in enumerate(values):
            if other != values[0]:
                raise UserError(
                    f"Processes 0 and {index} differ in their {what}; give all the same config, data and "
                    "versions of libraries, and an experiment_folder on storage that they share."
                )

    @contextlib.contextmanager
    def abort_all_on_error(self) -> Iterator[None]:
        """Ends this process at once when the block fails, with a message; the others then fail, too.

        A regular exit of Python would wait for the other processes, which wait for this one.
        """
        try:
            yield
        except Interrupted:
            raise
        except BaseException as error:
            if self.number == 1:
                raise
            explained = self.explain(error)
            if isinstance(explained, UserError):
                log(f"Process {self.index}: {explained}")
            else:
                traceback.print_exception(explained)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(2 if isinstance(explained, UserError) else 1)

    def explain(self, error: BaseException) -> BaseException:
        """`error`, or a UserError if its cause is that another process has ended."""
        text = str(error).lower()
        if self.number > 1 and not isinstance(error, UserError) and any(word in text for word in LOST):
            return UserError(
                "another process of this training has ended, or the connection to it; see its output for the "
                "cause. The same command, on any number of processes, resumes from the last saved state."
            )
        return error


def start_cluster(settings: DistributionConfig) -> Cluster:
    """Returns the devices of the strategy; with data_parallel it connects to the other processes.

    Raises UserError if the settings are incomplete or contradictory, or the other processes don't come.
    """
    if settings.strategy == "mirrored":
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return Cluster("mirrored", tf.distribute.MirroredStrategy([device.name for device in devices]))
    if settings.strategy == "data_parallel":
        import jax

        _connect(settings)
        devices = keras.distribution.list_devices()
        handle = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        return Cluster("data_parallel", handle, jax.process_index(), jax.process_count())
    return Cluster()


@contextlib.contextmanager
def _distribution(distribution: Any) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _connect(settings: DistributionConfig) -> None:
    """Connects to the other processes: those of the config, else those that JAX detects, such as SLURM's."""
    import jax

    if settings.num_processes == 1:
        return
    process_id, index = settings.process_id, os.environ.get("JOB_COMPLETION_INDEX", "")
    if process_id is None and index.isdecimal():
        process_id = int(index)  # A Kubernetes indexed job.
    # Only used by several processes on CPUs.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            settings.coordinator,
            settings.num_processes,
            process_id,
            local_device_ids=[],  # All that the process can see; by default JAX takes one per task of SLURM.
            initialization_timeout=settings.timeout,
            heartbeat_timeout_seconds=settings.timeout,
            shutdown_timeout_seconds=settings.timeout,
        )
    except ValueError as error:
        if settings.coordinator is settings.num_processes is settings.process_id is None:
            return  # Nothing is configured or detected: a single process.
        raise UserError(
            f"train.distribution does not describe the processes ({_first_line(error)}); set coordinator, "
            "num_processes and process_id, which counts from 0."
        ) from None
    except RuntimeError as error:
        raise UserError(
            f"The processes of this training don't meet within {settings.timeout} s ({_first_line(error)}); "
            "check train.distribution, and that process 0 runs at its coordinator."
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:160].rstrip(".")

"""The devices and processes that train together: Keras' strategies, and what processes tell each other."""

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from utils.config.train import DistributionConfig
from utils.distributed.job_environment import Place, find_place
from utils.errors import Interrupted, UserError
from utils.log import log

# What errors of gloo, NCCL and gRPC have in common when a process at the other end has gone.
LOST = ("gloo", "nccl", "connection", "peer", "heartbeat", "coordination", "deadline", "unavailable")


ALONE = Place(None, 1, 0)


class Cluster:
    """One process of a training, and the devices it trains on.

    Attributes:
        index, number: which process of how many.
        distributed: whether there is more than one process or device to train on.
    """

    def __init__(self, strategy: str = "none", place: Place = ALONE, timeout: int = 100) -> None:
        self.strategy = strategy
        self.index, self.number = place.process_id, place.num_processes
        self.distributed = strategy != "none"
        self._handle: Any = None
        if strategy == "mirrored":
            self._handle = _mirrored()
        elif strategy == "data_parallel":
            self._handle = _data_parallel(place, timeout)

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

    @contextlib.contextmanager
    def training_scope(self) -> Iterator[None]:
        """Within the block networks are made, and trained, for all devices."""
        if self.strategy == "mirrored":
            with self._handle.scope():
                yield
        elif self.strategy == "data_parallel":
            with _distribution(self._handle):
                yield
        else:
            yield

    @contextlib.contextmanager
    def fit_scope(self) -> Iterator[None]:
        """Around `fit`, whose callbacks work outside of a mirrored strategy."""
        with self.training_scope() if self.strategy == "data_parallel" else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def local_scope(self) -> Iterator[None]:
        """Within the block networks are made, and run, for this process alone."""
        if self.strategy == "data_parallel":
            with _distribution(None):
                yield
        else:
            yield

    def gather(self, value: Any) -> list[Any]:
        """The JSON values that all processes give, in the order of the processes; all must call it."""
        if self.number == 1:
            return [value]
        from jax.experimental.multihost_utils import process_allgather

        text = np.frombuffer(json.dumps(value).encode(), np.uint8)
        sizes = process_allgather(np.array([len(text)], np.int32))[:, 0]
        padded = np.zeros(sizes.max(), np.uint8)
        padded[: len(text)] = text
        rows = process_allgather(padded)
        return [json.loads(row[:size].tobytes()) for row, size in zip(rows, sizes)]

    def shard(self, dataset: Any) -> Any:
        """Every `number`-th word of a `Dataset`, from the `index`-th on: all processes' parts are the whole.

        Raises:
            UserError: there are fewer words than processes.
        """
        if self.number == 1:
            return dataset
        if len(dataset) < self.number:
            raise UserError(f"{len(dataset)} validation words are too few for {self.number} processes.")
        return dataset.select(np.arange(self.index, len(dataset), self.number))

    def stops_at(self, step: int) -> bool:
        """Whether all processes are to stop after this step, for one has been told to; called at every step.

        Args:
            step: done since the start of the training.
        """
        if self.number == 1:
            return False
        from jax.experimental.multihost_utils import reached_preemption_sync_point

        return reached_preemption_sync_point(step)

    @contextlib.contextmanager
    def main_process_first(self) -> Iterator[None]:
        """Runs the block in process 0 and then in the others, for the first one makes files."""
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
        """Within the block an error of one process ends them all, this one with a sentence and at once.

        Python's own way out would wait for the other processes, which wait for this one.
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
        """What to tell of `error`: that another process is gone, if that is the cause."""
        text = str(error).lower()
        if self.number > 1 and not isinstance(error, UserError) and any(word in text for word in LOST):
            return UserError(
                "another process of this training has ended, or the network to it has; its own output says "
                "why. The same command, on any number of processes, goes on from the last saved state."
            )
        return error


def start_cluster(settings: DistributionConfig) -> Cluster:
    """Meets the other processes, if the config asks for any.

    Raises:
        UserError: the strategy needs another backend, the place of this process is not known, the others
            don't come.
    """
    if settings.strategy == "none":
        return Cluster()
    place = find_place(settings, os.environ) if settings.strategy == "data_parallel" else ALONE
    return Cluster(settings.strategy, place, settings.timeout)


@contextlib.contextmanager
def _distribution(distribution: Any) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _mirrored() -> Any:
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _data_parallel(place: Place, timeout: int) -> Any:
    import jax

    if place.num_processes > 1:
        # Ignored where there are GPUs, which have NCCL.
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        try:
            jax.distributed.initialize(
                place.coordinator,
                place.num_processes,
                place.process_id,
                cluster_detection_method="deactivate",
                initialization_timeout=timeout,
                heartbeat_timeout_seconds=timeout,
                shutdown_timeout_seconds=timeout,
            )
        except RuntimeError as error:
            raise UserError(
                f"The {place.num_processes} processes don't meet at {place.coordinator} within {timeout} s "
                f"({str(error).splitlines()[0][:160]}); check train.distribution, and that process 0 "
                "runs there."
            ) from None
    devices = keras.distribution.list_devices()
    return keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)

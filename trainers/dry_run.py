"""Estimates memory and time of a training in seconds."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import keras
import numpy as np

from data_generators.data_generator import DataGenerator
from data_generators.input_pipeline import InputPipeline
from models.precision import precision_scope
from trainers.fit_errors import root_cause
from trainers.memory import peak_memory
from trainers.trainer_seq2seq import TrainerSeq2Seq


class ChosenBatches(InputPipeline):
    """Feeds some batches of a generator's first epoch, in the given order."""

    def __init__(self, generator: DataGenerator, indices: list[int]) -> None:
        super().__init__(generator, threads=1)
        self.indices = indices

    def _batches(self) -> Iterator[Any]:
        for index in self.indices:
            yield self.generator.batch(0, index)


class StepTimes(keras.callbacks.Callback):
    """Seconds of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch, logs=None):
        self.started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.monotonic() - self.started)


def dry_run(trainer: TrainerSeq2Seq) -> None:
    """Trains on the widest batch, then on an average one, and prints size, memory, speed and time.

    Writes nothing to the experiment folder. The first step includes the compilation, the second one the preparation of
    another shape; the faster of the remaining two counts.
    """
    generator: DataGenerator = trainer.train_pipeline.generator
    sizes = batch_sizes(generator)
    widest, average = int(np.argmax(sizes)), int(np.argmin(np.abs(sizes - sizes.mean())))
    chosen = ChosenBatches(generator, [widest, average, average, average])
    times = StepTimes()
    trainer.compile()
    model = trainer.model.keras_model
    with precision_scope(trainer.precision), root_cause(model, (chosen, trainer.val_pipeline)):
        model.fit(chosen.dataset(), steps_per_epoch=4, callbacks=[times], shuffle=False, verbose=0)
    epoch = min(times.seconds[2:]) * sizes.sum() / sizes[average]
    val_words = trainer.val_dataset
    print(f"parameters:   {trainer.model.parameter_count:,}")
    print(f"words:        {trainer.words:,} in {trainer.steps:,} batches, {len(val_words):,} to validate")
    print(f"peak memory:  {peak_memory()}")
    print(f"speed:        about {trainer.words / epoch:.0f} words/s ({trainer.precision})")
    epochs = trainer.config.train.num_epochs
    print(
        f"time:         about {timedelta(seconds=round(epoch))} per epoch, "
        f"{timedelta(seconds=round(epochs * epoch))} for {epochs} epochs; validation comes on top"
    )


def batch_sizes(generator: DataGenerator) -> np.ndarray:
    """Returns (batches,) pixels of each batch of the first epoch with padding, proportional to its time."""
    return np.array([len(p) * generator.widths[p].max() for p in generator.positions(0)], dtype=np.float64)

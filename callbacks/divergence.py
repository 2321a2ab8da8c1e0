"""Stops a training whose loss or weights are not finite, before any good weights are overwritten."""

import math
from dataclasses import dataclass, field

import keras
import numpy as np

from utils.errors import UserError


def diverged(what: str, step: int, epoch: int) -> UserError:
    """Returns the error of a training that has diverged; step and epoch are counted from 1."""
    return UserError(
        f"{what} at step {step} of epoch {epoch}; snapshots and the last good state, if there are any, are kept: "
        "lower train.learning_rate, or set train.clip_norm=1 and train.warmup_steps, and the same command "
        "continues from that state, or start again with --restart."
    )


@dataclass(eq=False)
class StopOnDivergence(keras.callbacks.Callback):
    """Raises UserError when the loss, or at the end of an epoch a weight, is infinite or NaN.

    Must be the first callback, so that no other one saves such weights.

    Attributes:
        steps: of a whole epoch.
        first_step: steps of the first epoch that were done in an earlier run.
    """

    steps: int
    first_step: int = 0
    epoch: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__init__()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise diverged(f"The loss became {loss}", self.first_step + batch + 1, self.epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.first_step = 0
        check_weights(self.model, self.steps, self.epoch)


def check_weights(model: keras.Model, step: int, epoch: int) -> None:
    """Raises UserError if a weight is infinite or NaN, one step before the loss would be."""
    for variable in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            raise diverged(f"Weights in {variable.path} became infinite or NaN", step, epoch)

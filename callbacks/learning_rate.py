"""Learning-rate warm-up and cosine decay, as functions of the step alone."""

import math

import keras

from callbacks.training_state import sync_jax_state
from utils.config.train import TrainConfig


class LearningRate(keras.callbacks.Callback):
    """Sets the learning rate before each step.

    Linear warm-up to the peak, then, with `cosine`, half a cosine down to `final_learning_rate` after the last step
    (Loshchilov and Hutter 2017, without restarts); it never rises. A constant rate is not set after warm-up, so that
    ReduceLROnPlateau may lower it.

    Args:
        steps_per_epoch: of the following epochs. After a change of the batch size the relative position is kept.
        epoch, step: completed epochs, and completed steps of the next one.
        was_warm: whether the epochs before, of perhaps more or fewer steps, had come to the peak.
        was_cosine: whether they had the other schedule, so that a constant rate is to be set.
    """

    def __init__(
        self,
        train: TrainConfig,
        steps_per_epoch: int,
        epoch: int = 0,
        step: int = 0,
        was_warm: bool = False,
        was_cosine: bool = False,
    ) -> None:
        super().__init__()
        self.train_config = train
        self.total = train.num_epochs * steps_per_epoch
        self.step = epoch * steps_per_epoch + step
        # Another batch size may take the count of steps back into the warm-up.
        self.warmup_steps = 0 if was_warm else train.warmup_steps
        # The step that needs the exact peak of a constant rate; since the peak the rate may have been lowered.
        self.peak = None if was_warm and not was_cosine else max(self.warmup_steps, self.step)

    def on_train_batch_begin(self, batch, logs=None):
        rate = self.rate(self.step)
        if rate is not None:
            sync_jax_state(self.model)
            self.model.optimizer.learning_rate.assign(rate)
        self.step += 1

    def rate(self, step: int) -> float | None:
        """Returns the learning rate of a step (counted from 0), None where it is not set."""
        train = self.train_config
        if step < self.warmup_steps:
            return train.learning_rate * (step + 1) / train.warmup_steps
        if train.schedule == "constant":
            return train.learning_rate if step == self.peak else None
        progress = (step - train.warmup_steps) / max(1, self.total - train.warmup_steps)
        decay = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
        lowest = min(train.final_learning_rate, train.learning_rate)
        return lowest + (train.learning_rate - lowest) * decay

"""Writes the best and the last model folder."""

import math
from pathlib import Path
from typing import Any

import keras

from callbacks.evaluation_model import EvaluationModel
from models.saving import save_model


class Snapshot(keras.callbacks.Callback):
    """Writes the model folder after each epoch, or after those that improved the monitored value.

    Args:
        description: origin of the model; epoch and metrics are added.
        monitor: a value of the logs, lower is better; None writes after every epoch.

    Attributes:
        best: lowest value so far; restored when training is resumed.
    """

    def __init__(
        self,
        folder: Path,
        evaluation_model: EvaluationModel,
        description: dict[str, Any],
        monitor: str | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.evaluation_model = evaluation_model
        self.description = description
        self.monitor = monitor
        self.best: float = math.inf

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor is not None:
            # NaN, or an epoch without validation, is no improvement.
            value = logs.get(self.monitor, math.inf)
            if not value < self.best:
                return
            self.best = float(value)
        metrics = {name: float(value) for name, value in logs.items()}
        with self.evaluation_model.weights():
            if self.evaluation_model.cluster.is_first:
                origin = {**self.description, "epoch": epoch + 1, "metrics": metrics}
                save_model(self.folder, self.evaluation_model.model, origin)

"""Writes the best and the last model folder."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from callbacks.evaluation_model import EvaluationModel
from models.model_folder import DESCRIPTION_FILE
from models.saving import save_model


@dataclass(eq=False)
class Snapshot(keras.callbacks.Callback):
    """Writes the model folder after each epoch, or after those that improved the monitored value.

    Attributes:
        origin: origin of the model; epoch and metrics are added.
        monitor: a value of the logs, lower is better; None writes after every epoch.
        best: lowest value so far; restored when training is resumed.
    """

    folder: Path
    evaluation_model: EvaluationModel
    origin: dict[str, Any]
    monitor: str | None = None
    best: float = field(default=math.inf, init=False)

    def __post_init__(self) -> None:
        super().__init__()

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor is not None:
            # NaN, or an epoch without validation, is no improvement.
            value = logs.get(self.monitor, math.inf)
            if not value < (math.inf if self._is_missing() else self.best):
                return
            self.best = min(self.best, float(value))
        metrics = {name: float(value) for name, value in logs.items()}
        with self.evaluation_model.weights():
            if self.evaluation_model.cluster.is_first:
                origin = {**self.origin, "epoch": epoch + 1, "metrics": metrics}
                save_model(self.folder, self.evaluation_model.model, origin)

    def _is_missing(self) -> bool:
        """Whether the best model has gone, or was to be written elsewhere in an earlier run.

        Several processes, which all have to write or not, may not see the same files.
        """
        return self.evaluation_model.cluster.number == 1 and not (self.folder / DESCRIPTION_FILE).exists()

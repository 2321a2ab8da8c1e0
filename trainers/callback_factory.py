"""Creates the callbacks of the config's section `callbacks`."""

from pathlib import Path
from typing import Any

import keras

from callbacks.evaluation_model import EvaluationModel
from callbacks.save_state import counter_name
from callbacks.snapshot import Snapshot
from callbacks.training_progress import TrainingProgress
from models.model_paths import ModelPaths
from utils.config.callbacks import CallbacksConfig


def monitoring(settings: CallbacksConfig) -> list[keras.callbacks.Callback]:
    """Returns Keras' callbacks that monitor a value of the history."""
    plateau, stopping = settings.reduce_lr_on_plateau, settings.early_stopping
    chosen: list[keras.callbacks.Callback] = []
    if plateau.enabled:
        chosen.append(keras.callbacks.ReduceLROnPlateau(plateau.monitor, plateau.factor, plateau.patience, mode="min"))
    if stopping.enabled:
        chosen.append(keras.callbacks.EarlyStopping(stopping.monitor, patience=stopping.patience, mode="min"))
    return chosen


def snapshots(
    settings: CallbacksConfig, paths: ModelPaths, evaluation_model: EvaluationModel, origin: dict[str, Any]
) -> list[Snapshot]:
    """Returns the callbacks that write the best and the last model."""
    best, last = settings.model_best_checkpoint, settings.model_last_checkpoint
    written = []
    if best.enabled:
        written.append(Snapshot(paths.best, evaluation_model, origin, best.monitor))
    if last.enabled:
        written.append(Snapshot(paths.last, evaluation_model, origin))
    return written


def tensorboard(settings: CallbacksConfig, folder: Path) -> list[keras.callbacks.Callback]:
    """Returns TensorBoard's callback, if it is enabled."""
    logs = log_folder(settings, folder)
    return [keras.callbacks.TensorBoard(logs)] if logs else []


def log_folder(settings: CallbacksConfig, folder: Path) -> str | None:
    """Returns where TensorBoard writes, without `log_dir` `folder`/tensorboard; None if it does not."""
    return (settings.tensorboard.log_dir or str(folder / "tensorboard")) if settings.tensorboard.enabled else None


def reason_to_end(settings: CallbacksConfig, num_epochs: int, progress: TrainingProgress) -> str | None:
    """Returns why a training is finished, and which setting would continue it; None if it isn't."""
    epoch = progress.epoch
    if epoch >= num_epochs:
        return f"is finished after {epoch} epochs; raise train.num_epochs to continue"
    for callback in monitoring(settings):
        if isinstance(callback, keras.callbacks.EarlyStopping):
            waited = progress.counters.get(counter_name(callback), {}).get("wait", 0)
            if waited >= callback.patience:
                return (
                    f"was stopped early after {epoch} epochs, {waited} validated ones without a better "
                    f"{callback.monitor}; raise callbacks.early_stopping.patience to continue"
                )
    return None

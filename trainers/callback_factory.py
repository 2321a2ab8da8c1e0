"""The callbacks that the config's section `callbacks` asks for."""

from pathlib import Path
from typing import Any

import keras

from callbacks.evaluation_model import EvaluationModel
from callbacks.save_state import counter_name
from callbacks.snapshot import Snapshot
from callbacks.tensorboard import TensorBoard
from models.description import best_folder, last_folder
from utils.config.schema import Config


def monitoring(config: Config) -> list[keras.callbacks.Callback]:
    """Keras' own that follow a value of the history."""
    plateau, stopping = config.callbacks.reduce_lr_on_plateau, config.callbacks.early_stopping
    callbacks: list[keras.callbacks.Callback] = []
    if plateau.enabled:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(plateau.monitor, plateau.factor, plateau.patience, mode="min")
        )
    if stopping.enabled:
        callbacks.append(
            keras.callbacks.EarlyStopping(stopping.monitor, patience=stopping.patience, mode="min")
        )
    return callbacks


def snapshots(
    config: Config, evaluation_model: EvaluationModel, train_words: int, val_words: int
) -> list[Snapshot]:
    """What writes the best and the last model."""
    best, last = config.callbacks.model_best_checkpoint, config.callbacks.model_last_checkpoint
    origin = {
        "labels_file": config.labels_file,
        "train_words": train_words,
        "val_words": val_words,
        "licence": config.data_licence,
    }
    written = []
    if best.enabled:
        written.append(Snapshot(best_folder(config), evaluation_model, origin, best.monitor))
    if last.enabled:
        written.append(Snapshot(last_folder(config), evaluation_model, origin))
    return written


def tensorboard(config: Config) -> list[keras.callbacks.Callback]:
    """Curves for TensorBoard."""
    settings = config.callbacks.tensorboard
    if not settings.enabled:
        return []
    folder = settings.log_dir or str(Path(config.experiment_folder) / "tensorboard")
    return [TensorBoard(folder)]


def reason_to_end(config: Config, saved: dict[str, Any]) -> str | None:
    """Why a training with this saved state has nothing left to do, and what would change that; else None."""
    epoch = saved.get("epoch", 0)
    if saved and epoch >= config.train.num_epochs:
        return f"is finished after {epoch} epochs; raise train.num_epochs to go on"
    for callback in monitoring(config):
        if isinstance(callback, keras.callbacks.EarlyStopping):
            waited = saved.get("counters", {}).get(counter_name(callback), {}).get("wait", 0)
            if waited >= callback.patience:
                return (
                    f"was stopped early after {epoch} epochs, {waited} of them without a better "
                    f"{callback.monitor}; raise callbacks.early_stopping.patience to go on"
                )
    return None

"""The callbacks that the config's section `callbacks` asks for."""

from pathlib import Path

import keras

from callbacks.evaluation_model import EvaluationModel
from callbacks.save_state import counter_name
from callbacks.snapshot import Snapshot
from callbacks.tensorboard import TensorBoard
from callbacks.training_progress import TrainingProgress
from models.model_paths import ModelPaths
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
    paths = ModelPaths.of(config.experiment_folder, config.callbacks)
    origin = {
        "labels_file": config.labels_file,
        "train_words": train_words,
        "val_words": val_words,
        "licence": config.data_licence,
    }
    written = []
    if best.enabled:
        written.append(Snapshot(paths.best, evaluation_model, origin, best.monitor))
    if last.enabled:
        written.append(Snapshot(paths.last, evaluation_model, origin))
    return written


def tensorboard(config: Config) -> list[keras.callbacks.Callback]:
    """TensorBoard's curves."""
    settings = config.callbacks.tensorboard
    if not settings.enabled:
        return []
    return [TensorBoard(settings.log_dir or str(Path(config.experiment_folder) / "tensorboard"))]


def reason_to_end(config: Config, progress: TrainingProgress) -> str | None:
    """Why a training with this progress is finished, and what would change that; None if it isn't."""
    epoch = progress.epoch
    if epoch >= config.train.num_epochs:
        return f"is finished after {epoch} epochs; raise train.num_epochs to continue"
    for callback in monitoring(config):
        if isinstance(callback, keras.callbacks.EarlyStopping):
            waited = progress.counters.get(counter_name(callback), {}).get("wait", 0)
            if waited >= callback.patience:
                return (
                    f"was stopped early after {epoch} epochs, {waited} of them without a better "
                    f"{callback.monitor}; raise callbacks.early_stopping.patience to continue"
                )
    return None

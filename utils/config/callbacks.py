"""Config section `callbacks`: what happens after each epoch of training."""

from typing import Annotated, Literal

from pydantic import Field

from utils.config.section import Natural, PositiveInt, Real, Section, key

Metric = Literal["val_cer", "val_wer", "val_loss", "loss"]


class EarlyStoppingConfig(Section):
    enabled: bool = key(False, "stop when the monitored value no longer improves")
    monitor: Metric = key("val_cer", "value to watch")
    patience: PositiveInt = key(10, "epochs without improvement before stopping, counting those with validation")


class LastCheckpointConfig(Section):
    enabled: bool = key(True, "write the model of each epoch")
    out_file: str | None = key(None, "model folder to write; null: `last` in experiment_folder")


class BestCheckpointConfig(Section):
    enabled: bool = key(True, "write the model of the best epoch")
    out_file: str | None = key(None, "model folder to write; null: `best` in experiment_folder")
    monitor: Metric = key("val_cer", "value that decides which epoch is best")


class TensorBoardConfig(Section):
    enabled: bool = key(False, "write TensorBoard logs")
    log_dir: str | None = key(None, "their folder; null: `tensorboard` in experiment_folder")


class ReduceLrOnPlateauConfig(Section):
    enabled: bool = key(False, "lower the learning rate when the monitored value stalls; needs schedule constant")
    monitor: Metric = key("val_loss", "value to watch")
    factor: Annotated[Real, Field(gt=0, lt=1)] = key(0.1, "factor on the learning rate")
    patience: PositiveInt = key(10, "epochs without improvement before lowering, counting those with validation")


class ValidationConfig(Section):
    """Decoding of validation words after each epoch, for val_cer and val_wer."""

    max_words: Natural = key(0, "decode this many validation words, spread over the set; 0: all")
    every_epochs: PositiveInt = key(1, "decode after every so many epochs, and after the last")


class CallbacksConfig(Section):
    """Validation, snapshots and other callbacks of a training."""

    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    model_best_checkpoint: BestCheckpointConfig = BestCheckpointConfig()
    model_last_checkpoint: LastCheckpointConfig = LastCheckpointConfig()
    tensorboard: TensorBoardConfig = TensorBoardConfig()
    reduce_lr_on_plateau: ReduceLrOnPlateauConfig = ReduceLrOnPlateauConfig()
    validation: ValidationConfig = ValidationConfig()

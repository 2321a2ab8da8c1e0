"""Paths of the models of an experiment."""

from dataclasses import dataclass
from pathlib import Path

from utils.config.callbacks import CallbacksConfig
from utils.config.schema import Config
from utils.errors import UserError
from utils.paths import resolve_shipped


@dataclass(frozen=True)
class ModelPaths:
    """The model folders of an experiment, whether they exist or not: those of the best and of the last epoch.

    `trained` is the experiment's model: the best, or the last if no best is kept.
    """

    best: Path
    last: Path
    trained: Path

    @classmethod
    def of(cls, experiment_folder: str, callbacks: CallbacksConfig) -> "ModelPaths":
        """Returns the folders that a config names."""
        experiment = Path(experiment_folder)
        best = Path(callbacks.model_best_checkpoint.out_file or experiment / "best")
        last = Path(callbacks.model_last_checkpoint.out_file or experiment / "last")
        return cls(best, last, best if callbacks.model_best_checkpoint.enabled else last)


def find_model(config: Config) -> Path:
    """Returns the experiment's trained model folder, else predict.weights_file; raises UserError if neither exists."""
    named = config.predict.weights_file
    own = ModelPaths.of(config.experiment_folder, config.callbacks).trained
    # The folder of a training whose first epoch has not ended yet is empty, except for leftovers of a killed save.
    begun = own.is_dir() and all(entry.name.startswith(".") for entry in own.iterdir())
    folder = own if (own.exists() and not begun) or not named else resolve_shipped(Path(named))
    if not folder.exists():
        raise UserError(
            f"There is no trained model: neither {own} nor predict.weights_file ({named}) exists; "
            "train one with --train, or set predict.weights_file to a model folder."
        )
    return folder

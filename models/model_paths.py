"""Where the models of an experiment are."""

from dataclasses import dataclass
from pathlib import Path

from utils.config.callbacks import CallbacksConfig
from utils.config.schema import Config
from utils.errors import UserError
from utils.paths import resolve_shipped


@dataclass(frozen=True)
class ModelPaths:
    """The model folders of an experiment, whether they exist or not.

    Attributes:
        best, last: those of the best and of the last epoch.
        trained: the one that counts as the experiment's model: the best, or the last if no best is kept.
    """

    best: Path
    last: Path
    trained: Path

    @classmethod
    def of(cls, experiment_folder: str, callbacks: CallbacksConfig) -> "ModelPaths":
        """The folders that a config names."""
        experiment = Path(experiment_folder)
        best = Path(callbacks.model_best_checkpoint.out_file or experiment / "best")
        last = Path(callbacks.model_last_checkpoint.out_file or experiment / "last")
        return cls(best, last, best if callbacks.model_best_checkpoint.enabled else last)


def find_model(config: Config) -> Path:
    """The model folder that the experiment has trained, else the one that predict.weights_file names.

    Raises:
        UserError: neither exists.
    """
    named = config.predict.weights_file
    own = ModelPaths.of(config.experiment_folder, config.callbacks).trained
    # Training creates the folder when it begins and the model in it at the end of an epoch.
    begun = own.is_dir() and not any(own.iterdir())
    folder = own if (own.exists() and not begun) or not named else resolve_shipped(Path(named))
    if not folder.exists():
        raise UserError(
            f"There is no trained model: neither {own} nor predict.weights_file ({named}) exists; "
            "train one with --train, or set predict.weights_file to a model folder."
        )
    return folder

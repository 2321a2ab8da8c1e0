"""The folder that a training writes to: whether it may, and how an old run is kept."""

import time
from pathlib import Path

from models.description import DESCRIPTION_FILE, artifact_folder, best_folder, last_folder, refuse_released
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import check_writable
from utils.locks import experiment_lock
from utils.log import log

HEADER = "# The whole config of this training, defaults included; written by main.py --train.\n"
OUTPUTS = ("config.yml", "run.json", "history.csv", "history.png", "best", "last", "state", "tensorboard")


def state_file(config: Config) -> Path:
    """Where the training state of the config's experiment is, or will be."""
    return Path(config.experiment_folder) / "state" / "training.npz"


def check_outputs(config: Config) -> None:
    """Before any work: training must not be able to overwrite what it has not written itself.

    Raises:
        UserError: a model folder is a released one or named twice; the experiment folder holds files of
            others, or links that would lead out of it.
    """
    best, last, output = best_folder(config), last_folder(config), config.train.output.output_weights
    for folder in (best, last, *([artifact_folder(output)] if output else [])):
        refuse_released(folder)
    callbacks = config.callbacks
    both = callbacks.model_best_checkpoint.enabled and callbacks.model_last_checkpoint.enabled
    if both and best.resolve() == last.resolve():
        raise UserError(
            "callbacks.model_best_checkpoint.out_file and callbacks.model_last_checkpoint.out_file "
            f"both mean {best}; name two folders."
        )
    _check_content(Path(config.experiment_folder), state_file(config))


def check_places(config: Config) -> None:
    """After all other checks, for it makes folders: models that are to lie elsewhere can be written there.

    Raises:
        UserError: one can't; otherwise it would be found out when the training is done.
    """
    callbacks, output = config.callbacks, config.train.output.output_weights
    folders = [artifact_folder(output)] if output else []
    folders += [best_folder(config)] if callbacks.model_best_checkpoint.enabled else []
    folders += [last_folder(config)] if callbacks.model_last_checkpoint.enabled else []
    for folder in folders:
        if _is_elsewhere(folder, config):
            check_writable(folder / DESCRIPTION_FILE)


def set_aside_old_run(config: Config, restart: bool) -> None:
    """Keeps what a fresh training would overwrite, under another name.

    With `restart`, or where models have outlived their training state, that is the whole experiment folder;
    without a saved state also model folders that the config places elsewhere.

    Raises:
        UserError: a training runs in the folder, or it can't be renamed.
    """
    folder = Path(config.experiment_folder)
    with experiment_lock(folder):
        pass
    state = state_file(config)
    own = [model for model in (best_folder(config), last_folder(config)) if not _is_elsewhere(model, config)]
    outlived = not state.exists() and any((model / DESCRIPTION_FILE).exists() for model in own)
    if (restart or outlived) and _is_experiment(folder, state):
        _set_aside(folder)
    if state.exists():
        return
    callbacks = config.callbacks
    for model, checkpoint in (
        (best_folder(config), callbacks.model_best_checkpoint),
        (last_folder(config), callbacks.model_last_checkpoint),
    ):
        if checkpoint.enabled and _is_elsewhere(model, config) and (model / DESCRIPTION_FILE).exists():
            _set_aside(model)


def _is_elsewhere(model: Path, config: Config) -> bool:
    return not model.resolve().is_relative_to(Path(config.experiment_folder).resolve())


def _is_experiment(folder: Path, state: Path) -> bool:
    """Whether a training has written the folder."""
    if state.exists():
        return True
    try:
        with open(folder / "config.yml", encoding="utf-8", errors="replace") as file:
            return file.readline() == HEADER
    except OSError:
        return False


def _check_content(folder: Path, state: Path) -> None:
    for path in (folder / name for name in OUTPUTS):
        if path.is_symlink():
            raise UserError(
                f"{path} is a link; training writes only within experiment_folder {folder}: replace it by "
                "what it leads to, or link experiment_folder as a whole."
            )
        if path.exists() and not _is_experiment(folder, state):
            raise UserError(
                f"experiment_folder {folder} holds {path.name}, which no training has written; "
                "set another experiment_folder, or move it away."
            )


def _set_aside(folder: Path) -> None:
    name = f"{folder.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    taken = sum(1 for other in folder.parent.iterdir() if other.name.startswith(name))
    kept = folder.with_name(f"{name}-{taken + 1}" if taken else name)
    try:
        folder.rename(kept)
    except OSError as error:
        raise UserError(
            f"Can't rename {folder} to keep the old run: {error.strerror}; move it away."
        ) from None
    log(f"The old run is kept in {kept}.")

"""The folder that a training writes to: whether it may, and how an old run is kept."""

import time
from pathlib import Path

from models.model_folder import DESCRIPTION_FILE, refuse_released
from models.model_paths import ModelPaths
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
    paths, output = (
        ModelPaths.of(config.experiment_folder, config.callbacks),
        config.train.output.output_weights,
    )
    for folder in (paths.best, paths.last, *([Path(output)] if output else [])):
        refuse_released(folder)
    callbacks = config.callbacks
    both = callbacks.model_best_checkpoint.enabled and callbacks.model_last_checkpoint.enabled
    if both and paths.best.resolve() == paths.last.resolve():
        raise UserError(
            "callbacks.model_best_checkpoint.out_file and callbacks.model_last_checkpoint.out_file "
            f"both name {paths.best}; name two folders."
        )
    _check_content(Path(config.experiment_folder), state_file(config))


def check_places(config: Config) -> None:
    """After all other checks, for it makes folders: models that are to lie elsewhere can be written there.

    Raises:
        UserError: one can't; otherwise it would be found out when the training is done.
    """
    output = config.train.output.output_weights
    for folder in [*([Path(output)] if output else []), *_written(config)]:
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
    models = [model for model in _written(config) if (model / DESCRIPTION_FILE).exists()]
    outlived = not state.exists() and any(not _is_elsewhere(model, config) for model in models)
    if (restart or outlived) and _is_experiment(folder, state):
        _set_aside(folder)
    if not state.exists():
        for model in models:
            if _is_elsewhere(model, config):
                _set_aside(model)


def _written(config: Config) -> list[Path]:
    """The model folders that the training writes."""
    paths, callbacks = ModelPaths.of(config.experiment_folder, config.callbacks), config.callbacks
    best, last = callbacks.model_best_checkpoint.enabled, callbacks.model_last_checkpoint.enabled
    return [*([paths.best] if best else []), *([paths.last] if last else [])]


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

"""The training state: one file that is replaced as a whole."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np

from callbacks.training_progress import TrainingProgress
from utils.errors import UserError
from utils.files import atomic_write, open_regular

FORMAT = 2


def save_state(path: Path, model: keras.Model, progress: TrainingProgress) -> None:
    """Writes weights, dropout seeds, optimizer and metric state, and `progress`.

    The previous file is kept as `*.previous.npz`. Raises UserError if the file can't be written.
    """
    arrays = {
        f"{kind}/{index}": keras.ops.convert_to_numpy(variable)
        for kind, variables in _variables(model).items()
        for index, variable in enumerate(variables)
    }
    description = json.dumps({"format": FORMAT, **progress.model_dump(by_alias=True)})
    arrays["progress"] = np.frombuffer(description.encode(), np.uint8)
    with atomic_write(path) as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
        _keep_previous(path)


def read_progress(path: Path) -> TrainingProgress | None:
    """Returns the progress of the saved state, None without one; UserError if it is damaged or of another version."""
    if not path.exists():
        return None
    try:
        description = json.loads(_read(path, ["progress"])["progress"].tobytes())
        if description["format"] != FORMAT:
            raise UserError(f"Training state {path} is of another version; start again with --restart.")
        return TrainingProgress.model_validate(description)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged(path) from None


def load_state(path: Path, model: keras.Model) -> None:
    """Restores the values of the model, its optimizer and its metrics.

    Raises UserError if the file is damaged or belongs to another network or optimizer; nothing is changed then.
    """
    arrays = _read(path)
    pairs = []
    for kind, variables in _variables(model).items():
        names = [f"{kind}/{index}" for index in range(len(variables))]
        saved = {name for name in arrays if name.startswith(f"{kind}/")}
        if saved != set(names):
            raise _misfit(path, f"{len(saved)} {kind} arrays, not {len(names)} in a row")
        pairs += [(variable, arrays[name]) for variable, name in zip(variables, names)]
    for variable, value in pairs:
        if value.shape != tuple(variable.shape):
            raise _misfit(path, f"{variable.path} has shape {value.shape}")
        if str(value.dtype) != variable.dtype:
            raise _misfit(path, f"{variable.path} is of type {value.dtype}")
    for variable, value in pairs:
        variable.assign(value)


def sync_jax_state(model: keras.Model) -> None:
    """Copies the current values into the variables; JAX otherwise does so only at the end of an epoch."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def previous_path(path: Path) -> Path:
    """Returns the path of the state before the last one."""
    return path.with_suffix(".previous.npz")


def _keep_previous(path: Path) -> None:
    if not path.exists():
        return
    with atomic_write(previous_path(path)) as temporary:
        try:
            temporary.unlink()
            os.link(path, temporary)
        except OSError:  # file systems without hard links
            shutil.copyfile(path, temporary)


def _variables(model: keras.Model) -> dict[str, list]:
    """Returns everything that training changes, including the running means of a partial epoch."""
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    known = {id(variable) for variable in metrics}
    own = [variable for variable in model.variables if id(variable) not in known]
    return {"model": own, "optimizer": model.optimizer.variables, "metrics": metrics}


def _read(path: Path, names: list[str] | None = None) -> dict[str, np.ndarray]:
    """Returns the arrays of a state file, all or those of `names`."""
    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as arrays:
            entries = arrays.zip.infolist()
            # Compressed arrays, which we never write, and overlapping ones could exceed memory.
            stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
            if not stored or sum(entry.file_size for entry in entries) > os.fstat(file.fileno()).st_size:
                raise _damaged(path)
            return {name: arrays[name] for name in names or arrays.files}
    except Exception:  # zipfile and numpy raise almost any type on damaged files
        raise _damaged(path) from None


def _damaged(path: Path) -> UserError:
    before, way_out = previous_path(path), "start again with --restart"
    if before.exists():
        way_out = f"rename {before.name} beside it to {path.name} to continue from the save before, or {way_out}"
    return UserError(f"Training state {path} is damaged; {way_out}.")


def _misfit(path: Path, what: str) -> UserError:
    return UserError(
        f"Training state {path} belongs to another network or optimizer ({what}); restore network, train.optimizer, "
        "train.ema_decay and train.precision, set another experiment_folder, or start again with --restart."
    )

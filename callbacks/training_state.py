"""Everything a training depends on, in one file that is replaced as a whole."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from utils.errors import UserError
from utils.files import atomic_write

FORMAT = 1


def save_state(path: Path, model: keras.Model, progress: dict[str, Any]) -> None:
    """Writes weights, dropout seeds, optimizer and metric state, and `progress` (JSON values).

    The previous file is kept as `*.previous.npz`.
    """
    arrays = {
        f"{kind}/{index}": keras.ops.convert_to_numpy(variable)
        for kind, variables in _variables(model).items()
        for index, variable in enumerate(variables)
    }
    description = json.dumps({"format": FORMAT, **progress})
    arrays["progress"] = np.frombuffer(description.encode(), np.uint8)
    with atomic_write(path) as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
        if path.exists():
            previous = previous_path(path)
            previous.unlink(missing_ok=True)
            os.link(path, previous)


def read_progress(path: Path) -> dict[str, Any] | None:
    """`progress` of the saved state, None if there is none yet.

    Raises:
        UserError: the file is damaged.
    """
    if not path.exists():
        return None
    with _open(path) as arrays:
        return _progress(path, arrays)


def load_state(path: Path, model: keras.Model) -> None:
    """Puts the saved values into the model, its optimizer and its metrics.

    Raises:
        UserError: the file is damaged or belongs to another network or optimizer.
    """
    with _open(path) as arrays:
        for kind, variables in _variables(model).items():
            saved = sum(name.startswith(f"{kind}/") for name in arrays.files)
            if saved != len(variables):
                raise _misfit(path, f"{saved} {kind} arrays instead of {len(variables)}")
            for index, variable in enumerate(variables):
                value = arrays[f"{kind}/{index}"]
                if value.shape != tuple(variable.shape):
                    raise _misfit(path, f"{variable.path} has shape {value.shape}")
                variable.assign(value)


def previous_path(path: Path) -> Path:
    """Where the state before the last one is kept."""
    return path.with_suffix(".previous.npz")


def _variables(model: keras.Model) -> dict[str, list]:
    """All that changes while training; metrics too, for the running means of a partial epoch."""
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    known = {id(variable) for variable in metrics}
    own = [variable for variable in model.variables if id(variable) not in known]
    return {"model": own, "optimizer": model.optimizer.variables, "metrics": metrics}


def _open(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError):
        raise UserError(
            f"Training state {path} is damaged; rename {previous_path(path).name} beside it to {path.name} "
            "to go on from the save before, or start anew with --restart."
        ) from None


def _progress(path: Path, arrays: Any) -> dict[str, Any]:
    progress = json.loads(arrays["progress"].tobytes())
    if progress.get("format") != FORMAT:
        raise UserError(f"Training state {path} is of another version; start anew with --restart.")
    return progress


def _misfit(path: Path, what: str) -> UserError:
    return UserError(
        f"Training state {path} belongs to another network or optimizer ({what}); "
        "set another experiment_folder, or start anew with --restart."
    )

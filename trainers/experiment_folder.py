"""Checks the folder that a training run writes to, and sets an old run aside."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.model_folder import DESCRIPTION_FILE, refuse_released
from models.model_paths import ModelPaths
from utils.config.callbacks import CallbacksConfig
from utils.errors import UserError
from utils.locks import LOCK_FILE, experiment_lock
from utils.log import log

HEADER = "# The whole config of this training, defaults included; written by main.py --train.\n"
MODELS = ("best", "last")
OUTPUTS = ("config.yml", "run.json", "history.csv", "history.png", *MODELS, "state", "tensorboard")


@dataclass(frozen=True)
class ExperimentFolder:
    """The places that a training writes to.

    Attributes:
        path: the folder itself.
        models: its model folders, which the config may place elsewhere.
        snapshots: those of them that the training writes.
        output: the model folder to copy the best model to, if any.
    """

    path: Path
    models: ModelPaths
    snapshots: tuple[Path, ...]
    output: Path | None

    @classmethod
    def of(cls, path: str, callbacks: CallbacksConfig, output: str | None) -> "ExperimentFolder":
        """Returns the experiment folder of a config's values."""
        models = ModelPaths.of(path, callbacks)
        best = (models.best,) if callbacks.model_best_checkpoint.enabled else ()
        last = (models.last,) if callbacks.model_last_checkpoint.enabled else ()
        return cls(Path(path), models, best + last, Path(output) if output else None)

    @property
    def written(self) -> tuple[Path, ...]:
        """The model folders that the training writes, the copy of the best model included."""
        return (*self.snapshots, *filter(None, (self.output,)))

    @property
    def state_file(self) -> Path:
        """Path of the training state."""
        return self.path / "state" / "training.npz"

    def check_outputs(self) -> None:
        """Checks, before any work, that training overwrites only files that a training has written.

        Raises UserError if no model would be written, if a model folder is a released one, named twice or a place of
        the training's other files, or if the experiment folder holds other files, or links that would lead out of it.
        """
        if not self.snapshots:
            raise UserError(
                "callbacks.model_best_checkpoint and callbacks.model_last_checkpoint are both disabled, so that "
                "training would leave no model; enable one."
            )
        for folder in filter(None, (self.models.best, self.models.last, self.output)):
            refuse_released(folder)
        self._check_apart()
        for path in (self.path / name for name in OUTPUTS):
            if path.is_symlink():
                raise UserError(
                    f"{path} is a link; training writes only within experiment_folder {self.path}: replace "
                    "it by what it leads to, or link experiment_folder as a whole."
                )
            if path.exists() and not self._is_experiment():
                raise UserError(
                    f"experiment_folder {self.path} holds {path.name}, which no training has written; "
                    "set another experiment_folder, or move it away."
                )

    def _check_apart(self) -> None:
        """Raises UserError if a model would lie where the training writes something else."""
        keys = "callbacks.model_best_checkpoint.out_file, callbacks.model_last_checkpoint.out_file"
        taken: set[Path] = set()
        for folder in (written.resolve() for written in self.written):
            if folder in taken:
                raise UserError(f"Two of {keys} and train.output.output_weights name {folder}; name two folders.")
            taken.add(folder)
            others = (self.path / name for name in OUTPUTS if name not in MODELS)
            if self.path.resolve().is_relative_to(folder) or any(map(folder.is_relative_to, map(Path.resolve, others))):
                raise UserError(
                    f"Training writes other files to {folder}; name another folder in {keys} or "
                    "train.output.output_weights."
                )

    def check_free(self) -> None:
        """Checks, before long work, that folders can be created and no training runs in this one; creates nothing.

        Raises UserError otherwise.
        """
        _check_creatable(self.path, f"to experiment_folder {self.path}")
        for folder in self.written:
            _check_creatable(folder, str(folder))
        if (self.path / LOCK_FILE).exists():
            with experiment_lock(self.path):
                pass

    def set_aside_old_run(self, restart: bool) -> None:
        """Renames what a new training would overwrite.

        With `restart`, or if there are models without a training state, this is all that a training has written to the
        experiment folder: other files, such as the labels, stay. Without a saved state also model folders that the
        config places elsewhere. Raises UserError if a training runs in the folder, or it can't be renamed.
        """
        with experiment_lock(self.path):
            pass
        saved = self.state_file.exists()
        models = [model for model in self.snapshots if (model / DESCRIPTION_FILE).exists()]
        elsewhere = [model for model in models if self._is_elsewhere(model)]
        without_state = not saved and len(models) > len(elsewhere)
        ours = self._is_experiment()
        if (restart or without_state) and ours:
            _move_out(self.path, self._written())
            saved = False
        if not saved:
            # If no training run wrote the folder, the models inside it are somebody's own, too.
            for model in elsewhere if ours else models:
                set_aside(model)

    def _written(self) -> list[str]:
        """Returns the names of all that training writes to the folder; those that identify it as such come last."""
        root = self.path.resolve()
        inside = (model.resolve() for model in self.snapshots if not self._is_elsewhere(model))
        models = [name for model in inside for name in model.relative_to(root).parts[:1]]
        return [*dict.fromkeys([*models, *reversed(OUTPUTS)]), LOCK_FILE]

    def _is_elsewhere(self, model: Path) -> bool:
        return not model.resolve().is_relative_to(self.path.resolve())

    def _is_experiment(self) -> bool:
        """Whether a training has written the folder."""
        if self.state_file.exists():
            return True
        try:
            with open(self.path / "config.yml", encoding="utf-8", errors="replace") as file:
                return file.readline() == HEADER
        except OSError:
            return False


def _check_creatable(folder: Path, place: str) -> None:
    """Raises UserError, which names `place`, if nothing can be written where a folder is or would be."""
    parent = next((one for one in (folder, *folder.absolute().parents) if one.exists()), folder)
    try:
        with tempfile.TemporaryDirectory(dir=parent):
            pass
    except OSError as error:
        raise UserError(f"Can't write {place}: {error.strerror or error}.") from None


def set_aside(folder: Path) -> None:
    """Renames a folder; for a link, renames its target and puts an empty folder in the target's place."""
    with _kept(folder) as (resolved, kept):
        resolved.rename(kept)
    if folder.is_symlink():
        resolved.mkdir()


def _move_out(folder: Path, names: Sequence[str]) -> None:
    """Moves the entries with these names, in this order, to a new folder; without others, renames the whole folder."""
    if all(entry.name in names for entry in folder.iterdir()):
        set_aside(folder)
        return
    with _kept(folder) as (resolved, kept):
        kept.mkdir()
        for name in names:
            if (resolved / name).exists() and name != LOCK_FILE:
                (resolved / name).rename(kept / name)


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yields a folder, links resolved, and a new path for what it holds; then logs that path, or raises UserError."""
    folder = folder.resolve()
    if Path.cwd().is_relative_to(folder):
        raise UserError(f"Can't rename {folder} to keep the old run, for it is the working directory; run in another.")
    name = f"{folder.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    taken = sum(1 for other in folder.parent.iterdir() if other.name.startswith(name))
    kept = folder.with_name(f"{name}-{taken + 1}" if taken else name)
    try:
        yield folder, kept
    except OSError as error:
        raise UserError(f"Can't rename {folder} to keep the old run: {error.strerror}; move it away.") from None
    log(f"The old run is kept in {kept}.")

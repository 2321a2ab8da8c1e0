"""Trains on the corrections in a process of its own, and changes the model if the new one reads better."""

import json
import math
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from metrics.history import read_history
from metrics.score_prediction import score_prediction
from models.model_folder import ModelFolder
from models.model_paths import ModelPaths, find_model
from predictors.loading import load_predictor
from predictors.reader import Reader
from preprocessing.image_file import UnusableImage
from preprocessing.labels import LABELS_FILE
from tools.serve.reading import Reading
from tools.serve.store import Store
from tools.serve.training import start_jobs, training_settings, with_settings
from trainers.adaptation import epochs_for
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import write_json
from utils.locks import is_learning
from utils.log import log

LEAST_LINES = 20
CHOICE, LOG = "model.json", "training.log"


class Learning:
    """A training on the corrections of a store, at most one at a time.

    Args:
        conf, overrides: of the training, as for `main.py -c CONF --set OVERRIDES`.
        config: the same, loaded; the sections for reading count.
        experiments: the folder in which each training gets a folder of its own.
    """

    def __init__(
        self, reading: Reading, store: Store, config: Config, conf: str, overrides: list[str], experiments: Path
    ) -> None:
        self._reading, self._store, self._config = reading, store, config
        self._arguments, self._experiments = (conf, overrides), experiments
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._thread: threading.Thread | None = None
        self._experiment: Path | None = None
        self._state, self._message = "idle", ""
        self._total = 0  # epochs of the training
        self._rates: dict[str, float] = {}

    def state(self) -> dict[str, Any]:
        """Returns state, corrected lines, CER of the finished epochs, and CER before and after on held-back lines."""
        rows = read_history(self._experiment / "history.csv") if self._experiment else []
        return {
            "state": self._shown_state(),
            "message": self._message,
            "model": str(self._reading.folder),
            "lines": self._store.corrections.counts(),
            "least": LEAST_LINES,
            "finished": len(rows),
            "epochs": [row["val_cer"] for row in rows if not math.isnan(row.get("val_cer", math.nan))],
            "total": self._total,
            **self._rates,
        }

    def start(self) -> None:
        """Starts a training from the model in use; raises UserError if one runs or too few lines are corrected."""
        with self._lock:
            if self._is_running():
                raise UserError("A training is running; wait for its end, or stop it.")
            if is_learning(self._experiments):
                raise UserError(f"A training of another server still runs in {self._experiments}; wait for its end.")
            counts = self._store.corrections.counts()
            if counts["train"] + counts["val"] < LEAST_LINES or not counts["val"]:
                raise UserError(f"Learning needs at least {LEAST_LINES} corrected lines, some of them in val.")
            self._state, self._message, self._rates = "training", "", {}
            self._experiment = self._experiments / time.strftime("%Y%m%d-%H%M%S")
            self._thread = threading.Thread(target=self._run, args=(self._experiment,), name="learning", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stops the training, if one runs; the model in use stays."""
        with self._lock:
            if self._state == "training":
                self._state = "stopped"
            if self._process:
                self._process.terminate()

    def _shown_state(self) -> str:
        """Returns the state; `elsewhere` if a training runs that another server, perhaps a killed one, has started."""
        if self._is_running():
            return "stopping" if self._state == "stopped" else self._state
        return "elsewhere" if is_learning(self._experiments) else self._state

    def _is_running(self) -> bool:
        """Whether a training runs, or has been stopped and finishes its step."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, experiment: Path) -> None:
        try:
            self._finish(self._start(experiment))
            self._compare(ModelPaths.of(str(experiment), self._config.callbacks).trained)
        except UserError as error:
            self._fail(str(error))
        except Exception as error:
            log(f"The training on corrections failed: {error!r}")
            self._fail("see the server's output")

    def _fail(self, message: str) -> None:
        """Ends the training with a message, unless the user has stopped it."""
        with self._lock:
            if self._state != "stopped":
                self._state, self._message = "failed", message

    def _start(self, experiment: Path) -> subprocess.Popen:
        folder, model_folder = self._store.folder, ModelFolder(self._reading.folder)
        settings = {
            "images_folder": str(folder),
            "labels_file": str(folder / LABELS_FILE),
            "experiment_folder": str(experiment),
            "train.weights_initialization.restore_from": str(model_folder.path),
            "train.weights_initialization.use_pretrained_weights": True,
        }
        # A trained model keeps these, and other jobs refuse them.
        of_training = training_settings(model_folder, self._config.image.max_pixels)
        lines = self._store.corrections.counts()["train"]
        self._total = epochs_for(lines, self._config.train.num_epochs)
        of_training["train.num_epochs"] = self._total
        jobs = [self._job("--train", settings | of_training), self._job("--export", settings)]
        # A file, since a pipe that nobody empties would stop the process.
        with open(folder / LOG, "a", encoding="utf-8") as log_file, self._lock:
            if self._state != "training":
                raise UserError("stopped")
            self._process = start_jobs(self._experiments, jobs, log_file)
        return self._process

    def _job(self, name: str, settings: dict[str, Any]) -> list[str]:
        """Returns the arguments of `main.py` for a job."""
        conf, overrides = self._arguments
        return with_settings(["-c", conf, name, "--set", *overrides], settings)

    def _finish(self, process: subprocess.Popen) -> None:
        code = process.wait()
        with self._lock:
            self._process = None
        if code < 0:
            raise UserError(f"the system ended it with signal {-code}, as when memory runs out")
        if code:
            lines = (self._store.folder / LOG).read_text(encoding="utf-8", errors="replace").split("\n")
            raise UserError(next((line for line in reversed(lines) if line.strip()), f"exit code {code}"))

    def _compare(self, new: Path) -> None:
        """Takes the new model into use if it reads the held-back lines better."""
        # Once for both: more lines may be saved meanwhile.
        lines = self._store.held_back()
        if not lines:
            raise UserError("No corrected line is held back any more to compare the models on; the old one stays.")
        before, after = (self._cer(folder, lines) for folder in (self._reading.folder, new))
        with self._lock:
            if self._state != "training":
                return
            if after < before:
                self._reading.use(new)
                write_json(self._store.folder / CHOICE, {"model": str(new)})
            self._rates = {"before": before, "after": after}
            self._state = "done"

    def _cer(self, folder: Path, lines: list[tuple[Path, str]]) -> float:
        """Returns the CER of a model on pictures and their texts."""
        predictor = load_predictor(ModelFolder(folder), self._config.predict, self._config.image.max_pixels)
        paths, labels = zip(*lines)
        read = Reader(predictor).read_many(paths, errors="return")
        texts = ["" if isinstance(result, UnusableImage) else result.text for result in read]
        return score_prediction(labels, texts).cer


def first_reading(config: Config, folder: Path) -> Reading:
    """Returns the reading with the model that an earlier training took into use for a folder of corrections.

    If there is none, or it can't be loaded any more, the config's reads.
    """
    if path := chosen_model(folder):
        try:
            return Reading(config, path)
        except (UserError, ValueError) as error:  # ValueError: a text that can't be a path.
            log(f"{error} {folder / CHOICE} names this model, learned from the corrections; reading with the config's.")
    return Reading(config, find_model(config))


def chosen_model(folder: Path) -> Path | None:
    """Returns the model folder that the file beside the corrections in `folder` names, None if none."""
    try:
        return Path(json.loads((folder / CHOICE).read_bytes())["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

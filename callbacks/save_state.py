"""Saves the training state, and stops cleanly when asked to."""

import math
import signal
import time
from pathlib import Path
from typing import Any, Callable

import keras

from callbacks.training_state import load_state, save_state
from utils.errors import Interrupted, UserError
from utils.log import log

# Counters of Keras' and our callbacks that decide what happens next.
COUNTERS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter", "step")


class SaveState(keras.callbacks.Callback):
    """Saves after each epoch, every few minutes within one, and on Ctrl-C or SIGTERM.

    Must be the last callback, so that it sees what the others have done.

    Args:
        path: the state file.
        others: callbacks whose counters are saved.
        progress: gives what else is to be saved.
        first_epoch, first_step: where this run starts.
    """

    def __init__(
        self,
        path: Path,
        others: list[keras.callbacks.Callback],
        progress: Callable[[], dict[str, Any]],
        minutes: float,
        first_epoch: int = 0,
        first_step: int = 0,
    ) -> None:
        super().__init__()
        self.path = path
        self.others = others
        self.progress = progress
        self.seconds = 60 * minutes if minutes else math.inf
        self.epoch, self.step = first_epoch, first_step
        self.signal_number = 0

    def on_train_begin(self, logs=None):
        self.saved = time.monotonic()
        self.handlers = {number: signal.signal(number, self._remember) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_end(self, logs=None):
        self.restore_handlers()

    def restore_handlers(self) -> None:
        """Gives the signals back to whoever had them; safe to call twice."""
        for number, handler in self.__dict__.pop("handlers", {}).items():
            signal.signal(number, handler)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if not math.isfinite(float(logs["loss"])):
            raise UserError(
                f"The loss became {float(logs['loss'])} at step {self.step} of epoch {self.epoch + 1}; the snapshots "
                "are kept. Lower train.learning_rate, or set train.clip_norm=1 and train.warmup_steps."
            )
        if self.signal_number:
            self._save()
            raise Interrupted(
                self.signal_number,
                f"Stopped and saved at step {self.step} of epoch {self.epoch + 1}; the same command continues.",
            )
        if time.monotonic() - self.saved > self.seconds:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.step = epoch + 1, 0
        self._save()
        if self.signal_number:
            raise Interrupted(
                self.signal_number, f"Stopped and saved after epoch {epoch + 1}; the same command continues."
            )

    def counters(self) -> list[dict[str, float | None]]:
        """The counters of each of the other callbacks."""
        return [
            {name: value for name in COUNTERS if isinstance(value := getattr(callback, name, None), (int, float))}
            for callback in self.others
        ]

    def _save(self) -> None:
        position = {"epoch": self.epoch, "step": self.step, "counters": self.counters()}
        save_state(self.path, self.model, {**self.progress(), **position})
        self.saved = time.monotonic()

    def _remember(self, number: int, frame: Any) -> None:
        """First signal: finish the step and save. Second: stop at once, like an untrapped one."""
        if self.signal_number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
        log("Stopping after this step; once more to stop at once without saving.")


class RestoreState(keras.callbacks.Callback):
    """Puts a saved training back where it was, within `fit`.

    Counters are restored after Keras' callbacks have reset theirs (`on_train_begin`), variables
    after `fit` has reset the metrics (first `on_epoch_begin`).
    """

    def __init__(
        self, path: Path, others: list[keras.callbacks.Callback], counters: list[dict[str, float]]
    ) -> None:
        super().__init__()
        self.path = path
        self.others = others
        self.counters = counters
        self.restored = False

    def on_train_begin(self, logs=None):
        for callback, values in zip(self.others, self.counters):
            for name, value in values.items():
                setattr(callback, name, value)

    def on_epoch_begin(self, epoch, logs=None):
        if not self.restored:
            load_state(self.path, self.model)
            self.restored = True

"""Saves and restores the training state, and stops cleanly on signals."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from callbacks.divergence import check_weights
from callbacks.history import History
from callbacks.training_progress import TrainingProgress
from callbacks.training_state import load_state, save_state, sync_jax_state
from utils.cluster import Cluster
from utils.errors import Interrupted
from utils.log import log

# Attributes of callbacks, Keras' and ours, that decide what happens next.
COUNTERS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")


def counter_name(callback: keras.callbacks.Callback) -> str:
    """Returns the name under which a callback's counters are saved, one for each monitored value."""
    return f"{type(callback).__name__} {getattr(callback, 'monitor', None)}"


@dataclass(eq=False)
class SaveState(keras.callbacks.Callback):
    """Saves after each epoch, every few minutes within one, and on Ctrl-C or SIGTERM.

    Must be the last callback, so that the state includes the effects of the others.

    Attributes:
        path: the state file.
        others: callbacks whose counters are saved.
        progress: the progress with which this run starts.
        history: its rows are saved.
        minutes: between saves within an epoch; 0: none.
        steps: of a whole epoch.
        cluster: the processes that train; the first one writes, and all of them stop after the same step.
    """

    path: Path
    others: list[keras.callbacks.Callback]
    progress: TrainingProgress
    history: History
    minutes: float
    steps: int
    cluster: Cluster = field(default_factory=Cluster)

    def __post_init__(self) -> None:
        super().__init__()
        self.epoch, self.step = self.progress.position
        self.signal_number = 0
        self.handlers: dict[int, Any] = {}

    def on_train_begin(self, logs=None):
        self.saved = time.monotonic()
        # Python lets only the main thread handle signals.
        if threading.current_thread() is threading.main_thread():
            handled = {signal.SIGINT: self._remember, signal.SIGTERM: self._remember}
            if self.cluster.number > 1:
                # JAX handles SIGTERM itself and notifies the other processes.
                handled = {signal.SIGINT: lambda number, frame: signal.raise_signal(signal.SIGTERM)}
            for number, handler in handled.items():
                self.handlers[number] = signal.signal(number, handler)

    def close(self) -> None:
        """Restores the previous signal handlers; may be called twice."""
        while self.handlers:
            signal.signal(*self.handlers.popitem())

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.cluster.stops_at(self.epoch * self.steps + self.step):
            self.signal_number = signal.SIGTERM
        if self.step == self.steps:
            # The state is saved at the end of the epoch, after validation.
            return
        if self.signal_number:
            self._save()
            self._stop(f"at step {self.step} of epoch {self.epoch + 1}")
        if self.minutes and time.monotonic() - self.saved > 60 * self.minutes:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.step = epoch + 1, 0
        # Validation has changed the running means, which are reset before the next epoch anyway.
        self.model.reset_metrics()
        self._save()
        self._stop(f"after epoch {self.epoch}")

    def stop_if_asked(self) -> None:
        """Raises Interrupted for a signal that arrived after the last epoch was saved, while `fit` was ending."""
        self._stop(f"after epoch {self.epoch}")

    def counters(self) -> dict[str, dict[str, float]]:
        """Returns the counters of the other callbacks, by `counter_name`."""
        return {
            counter_name(callback): {
                name: value if isinstance(value, int) else float(value)
                for name in COUNTERS
                if (value := getattr(callback, name, None)) is not None
            }
            for callback in self.others
        }

    def _save(self) -> None:
        sync_jax_state(self.model)
        # The loss would show it one step later, when the good state is overwritten.
        check_weights(self.model, self.step, self.epoch + 1)
        if self.cluster.is_first:
            position = {"epoch": self.epoch, "step": self.step}
            now = {**position, "counters": self.counters(), "history": self.history.rows}
            save_state(self.path, self.model, self.progress.model_copy(update=now))
        self.saved = time.monotonic()

    def _stop(self, where: str) -> None:
        if self.signal_number:
            message = f"Stopped and saved {where}; the same command continues."
            raise Interrupted(self.signal_number, message)

    def _remember(self, number: int, frame: Any) -> None:
        """On the first signal, finishes the step and saves; the second one stops at once."""
        if self.signal_number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
        log("Stopping after this step or validation; once more to stop at once without saving.")


@dataclass(eq=False)
class RestoreState(keras.callbacks.Callback):
    """Restores a saved training at the beginning of the first epoch.

    Earlier, Keras' callbacks (`on_train_begin`) and `fit` would still reset their counters and metrics.

    Attributes:
        path: the state file.
        others, counters: callbacks, and the saved counters by `counter_name`; a callback without saved counters starts
            from the beginning.
        learning_rate_factor: the config's learning rate divided by the saved training's.
        whole_epoch: whether the epoch starts from its beginning, with new running means.
        then: called when everything is restored, but not if the state doesn't fit.
    """

    path: Path
    others: list[keras.callbacks.Callback]
    counters: dict[str, dict[str, float]]
    learning_rate_factor: float
    whole_epoch: bool
    then: Callable[[], None]
    restored: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        super().__init__()

    def on_epoch_begin(self, epoch, logs=None):
        if self.restored:
            return
        self.restored = True
        for callback in self.others:
            for name, value in self.counters.get(counter_name(callback), {}).items():
                if name in COUNTERS:
                    setattr(callback, name, value)
        load_state(self.path, self.model)
        if self.whole_epoch:
            self.model.reset_metrics()
        if self.learning_rate_factor != 1:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate * self.learning_rate_factor)
        self.then()

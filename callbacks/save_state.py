"""Saves the training state, and stops cleanly when asked to."""

import math
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from callbacks.divergence import check_weights
from callbacks.history import History
from callbacks.jax_state import sync_jax_state
from callbacks.training_progress import TrainingProgress
from callbacks.training_state import load_state, save_state
from utils.distributed.cluster import Cluster
from utils.errors import Interrupted
from utils.log import log

# Counters of Keras' and our callbacks that decide what happens next.
COUNTERS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")


def counter_name(callback: keras.callbacks.Callback) -> str:
    """The name under which a callback's counters are saved; another monitored value is another name."""
    return f"{type(callback).__name__} {getattr(callback, 'monitor', None)}"


class SaveState(keras.callbacks.Callback):
    """Saves after each epoch, every few minutes within one, and on Ctrl-C or SIGTERM.

    Must be the last callback, so that it sees what the others have done.

    Args:
        path: the state file.
        others: callbacks whose counters are saved.
        start: the progress with which this run starts.
        history: its rows are saved.
        minutes: between saves within an epoch; 0: none.
        steps: of a whole epoch.
        cluster: the processes that train; the first one writes, and all of them stop after the same step.
    """

    def __init__(
        self,
        path: Path,
        others: list[keras.callbacks.Callback],
        start: TrainingProgress,
        history: History,
        minutes: float,
        steps: int,
        cluster: Cluster | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.cluster = cluster or Cluster()
        self.others = others
        self.progress = start
        self.history = history
        self.seconds = 60 * minutes if minutes else math.inf
        self.steps = steps
        self.epoch, self.step = start.position
        self.signal_number = 0
        self.handlers: dict[int, Any] = {}

    def on_train_begin(self, logs=None):
        self.saved = time.monotonic()
        # Python lets only the main thread handle signals.
        if threading.current_thread() is threading.main_thread():
            handled = {signal.SIGINT: self._remember, signal.SIGTERM: self._remember}
            if self.cluster.number > 1:
                # SIGTERM is JAX's then, which tells the other processes.
                handled = {signal.SIGINT: lambda number, frame: signal.raise_signal(signal.SIGTERM)}
            for number, handler in handled.items():
                self.handlers[number] = signal.signal(number, handler)

    def close(self) -> None:
        """Gives the signals back to whoever had them; safe to call twice."""
        while self.handlers:
            signal.signal(*self.handlers.popitem())

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.cluster.stops_at(self.epoch * self.steps + self.step):
            self.signal_number = signal.SIGTERM
        if self.step == self.steps:
            # The epoch's end follows, with its validation, and saves what came of it.
            return
        if self.signal_number:
            self._save()
            raise Interrupted(
                self.signal_number,
                f"Stopped and saved at step {self.step} of epoch {self.epoch + 1}; "
                "the same command continues.",
            )
        if time.monotonic() - self.saved > self.seconds:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.step = epoch + 1, 0
        # Validation has left its own running means; the saved state is that before the next epoch.
        self.model.reset_metrics()
        self._save()
        self._stop_after_epoch()

    def on_train_end(self, logs=None):
        # A signal that came while the other callbacks ended would be forgotten.
        self._stop_after_epoch()

    def counters(self) -> dict[str, dict[str, float]]:
        """The counters of the other callbacks, by `counter_name`."""
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
        # Otherwise the next step's loss would tell it, when the good state is gone.
        check_weights(self.model, self.step, self.epoch + 1)
        if self.cluster.is_first:
            now = {
                "epoch": self.epoch,
                "step": self.step,
                "counters": self.counters(),
                "history": self.history.rows,
            }
            save_state(self.path, self.model, self.progress.model_copy(update=now))
        self.saved = time.monotonic()

    def _stop_after_epoch(self) -> None:
        if self.signal_number:
            raise Interrupted(
                self.signal_number, f"Stopped and saved after epoch {self.epoch}; the same command continues."
            )

    def _remember(self, number: int, frame: Any) -> None:
        """First signal: finish the step and save. Second: stop at once, like an untrapped one."""
        if self.signal_number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
        log("Stopping after this step or validation; once more to stop at once without saving.")


class RestoreState(keras.callbacks.Callback):
    """Puts a saved training back where it was, when the first epoch begins.

    By then Keras' callbacks have reset their counters (`on_train_begin`) and `fit` the metrics.

    Args:
        path: the state file.
        others, counters: callbacks, and the saved counters by `counter_name`; a callback that
            the saved training didn't have starts afresh.
        learning_rate_factor: how much larger the config's learning rate is than the saved training's.
        anew: whether a partly done epoch starts over, and its running means with it.
        then: called when all is in place; not where the state turns out not to fit.
    """

    def __init__(
        self,
        path: Path,
        others: list[keras.callbacks.Callback],
        counters: dict[str, dict[str, float]],
        learning_rate_factor: float = 1.0,
        anew: bool = False,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.path = path
        self.others = others
        self.counters = counters
        self.learning_rate_factor = learning_rate_factor
        self.anew = anew
        self.then = then
        self.restored = False

    def on_epoch_begin(self, epoch, logs=None):
        if self.restored:
            return
        self.restored = True
        for callback in self.others:
            for name, value in self.counters.get(counter_name(callback), {}).items():
                if name in COUNTERS:
                    setattr(callback, name, value)
        load_state(self.path, self.model)
        if self.anew:
            self.model.reset_metrics()
        if self.learning_rate_factor != 1:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate * self.learning_rate_factor)
        self.then()

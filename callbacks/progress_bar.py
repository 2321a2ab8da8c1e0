"""A progress bar per epoch, and a line per finished epoch."""

import time
from dataclasses import dataclass
from datetime import timedelta

import keras
from tqdm import tqdm

from utils.log import STDERR, log, progress_bar


@dataclass(eq=False)
class ProgressBar(keras.callbacks.Callback):
    """Shows loss, words/s and time left while training, then the epoch's results.

    `words` are per epoch; `first_step` is the number of steps of the first epoch that were done in an earlier run.
    """

    words: int
    steps: int
    num_epochs: int
    first_step: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.steps_done = self.epochs_done = 0
        self.seconds = self.seconds_between = 0.0  # of the steps, and of validation and saving after them
        self.bar: tqdm | None = None

    def on_epoch_begin(self, epoch, logs=None):
        self.bar = progress_bar(
            total=self.steps,
            initial=self.first_step,
            desc=f"Epoch {epoch + 1}/{self.num_epochs}",
            unit="step",
            leave=False,
            # Fewer lines in log files.
            mininterval=0.1 if STDERR.isatty() else 30,
        )
        self.started = time.monotonic()
        # Not those of the bar: one that TQDM_DISABLE switches off does not count.
        self.step = self.begun = self.first_step
        self.first_step = 0

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()
        self.step += 1
        self.stepped = time.monotonic()
        if self.step % 10 == 0 or self.step == self.steps:
            speed = (self.step - self.begun) * self.words / self.steps / (time.monotonic() - self.started)
            self.bar.set_postfix_str(f"loss {float(logs['loss']):.3f}, {speed:.0f} words/s", refresh=False)

    def on_epoch_end(self, epoch, logs=None):
        self.steps_done += self.step - self.begun
        self.epochs_done += 1
        self.bar.close()
        self.seconds += self.stepped - self.started
        self.seconds_between += time.monotonic() - self.stepped
        # Apart, for few steps are left of an epoch in which a training is resumed.
        whole_epoch = self.seconds / self.steps_done * self.steps + self.seconds_between / self.epochs_done
        left = timedelta(seconds=round(whole_epoch * (self.num_epochs - epoch - 1)))
        log(f"Epoch {epoch + 1}/{self.num_epochs}  {describe(logs)}  {left} left")

    def close(self) -> None:
        """Removes an unfinished bar from the screen; may be called at any time."""
        if self.bar is not None:
            self.bar.close()


def describe(logs: dict[str, float]) -> str:
    """Returns the epoch's values as text, error rates in per cent."""
    losses = [f"{name} {logs[name]:.4f}" for name in ("loss", "val_loss") if name in logs]
    rates = [f"{name} {100 * logs[name]:.2f} %" for name in ("val_cer", "val_wer") if name in logs]
    return "  ".join([*losses, *rates])

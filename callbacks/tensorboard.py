"""Curves for TensorBoard, with one-sentence errors where they can't be written."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from utils.errors import UserError

HOOKS = (
    "set_model",
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
)


class TensorBoard(keras.callbacks.TensorBoard):
    """Keras' callback; raises UserError where TensorFlow can't write the logs (full disk, no permission)."""


def _guarded(hook: Callable) -> Callable:
    @functools.wraps(hook)
    def call(self: TensorBoard, *args: Any, **kwargs: Any) -> Any:
        from tensorflow.errors import OpError

        try:
            return hook(self, *args, **kwargs)
        except (OpError, OSError) as error:
            raise UserError(
                f"Can't write the TensorBoard logs in {self.log_dir}: {_reason(error)}; make room, set "
                "callbacks.tensorboard.log_dir, or switch callbacks.tensorboard.enabled off; "
                "the same command resumes from the last saved state."
            ) from None

    return call


for _name in HOOKS:
    setattr(TensorBoard, _name, _guarded(getattr(keras.callbacks.TensorBoard, _name)))


def _reason(error: Exception) -> str:
    """The system's message, which TensorFlow puts last: `path; No space left on device`."""
    text = " ".join(str(getattr(error, "message", error)).split())
    return text.rpartition(";")[2].strip()[-120:] or type(error).__name__

"""Raises what stopped Keras' `fit`, as an error that the user can correct where there is one."""

import contextlib
from collections.abc import Iterator

import keras

from data_generators.input_pipeline import InputPipeline
from trainers.memory import out_of_memory
from utils.errors import Interrupted, UserError
from utils.system import is_out_of_memory


@contextlib.contextmanager
def root_cause(
    model: keras.Model, pipelines: tuple[InputPipeline, InputPipeline], log_folder: str | None = None
) -> Iterator[None]:
    """Re-raises the root cause instead of the framework's wrapper.

    Args:
        pipelines: of training and of validation; an error in one of their threads is the cause.
        log_folder: where TensorBoard writes, if it does.
    """
    try:
        yield
    except (UserError, Interrupted):
        raise
    except Exception as error:
        cause = pipelines[0].error or pipelines[1].error or error
        if log_folder:
            _check_logs(log_folder, cause)
        if is_out_of_memory(cause):
            raise out_of_memory(model, pipelines[0].generator) from None
        if cause is error:
            raise
        raise cause from None


def _check_logs(log_folder: str, cause: Exception) -> None:
    """Raises UserError if the logs could not be written, which a full disk reports as out of memory."""
    from tensorflow.errors import OpError

    text = " ".join(str(getattr(cause, "message", cause)).split())
    if isinstance(cause, (OpError, OSError)) and log_folder in text:
        reason = text.rpartition(";")[2].strip()[-120:]
        raise UserError(
            f"Can't write the TensorBoard logs in {log_folder}: {reason}; make room, set "
            "callbacks.tensorboard.log_dir, or switch callbacks.tensorboard.enabled off; "
            "the same command resumes from the last saved state."
        ) from None

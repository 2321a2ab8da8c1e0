"""The first import of Keras and its backend, seconds long, for the jobs that need them."""

import os
import tempfile

from utils.config.train import DistributionConfig
from utils.errors import UserError


def choose_backend(settings: DistributionConfig) -> None:
    """Sets KERAS_BACKEND, which the import of Keras reads, as the strategy needs; UserError if it names another."""
    wanted = {"mirrored": "tensorflow", "data_parallel": "jax"}.get(settings.strategy)
    if wanted and os.environ.setdefault("KERAS_BACKEND", wanted) != wanted:
        raise UserError(
            f"train.distribution.strategy {settings.strategy} needs KERAS_BACKEND={wanted}, "
            f"not {os.environ['KERAS_BACKEND']}."
        )


def import_keras() -> None:
    """Imports Keras and TensorFlow without the lines that TensorFlow always writes to stderr."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # oneDNN prepares its operations for each shape; by default it forgets them before the shape comes again.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
    with tempfile.TemporaryFile() as sink:
        terminal = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            import keras  # noqa: F401
        except ImportError as error:
            extra, file = ("scale", "requirements-scale.txt") if error.name == "jax" else ("train", "requirements.txt")
            raise UserError(
                f"This needs the package {error.name}: install the extra `{extra}` "
                f"(pip install seq2seq-ocr[{extra}]) or, in a checkout, {file}."
            ) from None
        except ValueError as error:
            if os.environ.get("KERAS_BACKEND", "tensorflow") in ("tensorflow", "jax", "torch", "numpy"):
                raise
            raise UserError(f"KERAS_BACKEND={os.environ['KERAS_BACKEND']} can't be used: {error}") from None
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)

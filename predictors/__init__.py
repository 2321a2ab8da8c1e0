"""Reading words from Python: `from predictors import load; load("snapshots/synthetic").read("word.png")`.

Importing this package costs nothing; the runtime is imported by `load`.
"""

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from base.base_predictor import Prediction
    from predictors.reader import Reader

__all__ = ["Prediction", "load"]


def load(
    folder: str | os.PathLike[str], batch_size: int = 256, runtime: Literal["auto", "onnx", "keras"] = "auto"
) -> "Reader":
    """Loads a trained model.

    Args:
        folder: a model folder, such as `snapshots/synthetic` or `experiments/NAME/best`.
        batch_size: images per decoding batch.
        runtime: what runs the network; auto: ONNX Runtime if the folder has ONNX files.

    Raises:
        utils.errors.UserError: the folder is no whole model folder.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from predictors.reader import Reader
    from utils.config_schema import Predict

    return Reader.from_folder(folder, Predict(batch_size=batch_size, runtime=runtime))


def __getattr__(name: str) -> object:
    if name == "Prediction":
        from base.base_predictor import Prediction

        return Prediction
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

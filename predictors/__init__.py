"""Reading words from Python: `from predictors import load; load("snapshots/iam").read("word.png")`.

Importing this package costs nothing; the runtime is imported by `load`. In an installed copy: `from seq2seq_ocr import
load`.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from base.base_predictor import Prediction
    from predictors.reader import Reader

__all__ = ["Prediction", "load"]


def load(
    folder: str | os.PathLike[str],
    batch_size: int = 256,
    runtime: Literal["auto", "onnx", "keras"] = "auto",
    decoder: Literal["greedy", "beam", "lexicon"] = "greedy",
    n_best: int = 1,
    max_pixels: int | None = None,
    **settings: Any,
) -> "Reader":
    """Loads a trained model.

    Args:
        folder: a model folder, such as `snapshots/iam` or `experiments/NAME/best`.
        batch_size: images per decoding batch.
        runtime: auto: ONNX Runtime if the folder has ONNX files and the decoder is greedy, else Keras.
        decoder: greedy takes the best character at each step, beam searches for the most probable text, lexicon prefers
            English words.
        n_best: readings of each word, in `Prediction.alternatives`; more than one needs beam, lexicon or views.
        max_pixels: files and arrays with more are refused; None: a config's default.
        settings: other keys of a config's section `predict`, such as views=4, which reads doubtful words again, as the
            shipped configs do, or lexicon={"file": "words.tsv"}; configs/README.md lists them.

    Raises:
        utils.errors.UserError: the folder is not a complete model folder, or a setting is wrong.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from models.model_folder import ModelFolder
    from predictors.loading import load_predictor
    from predictors.reader import Reader
    from utils.config.load import validate_config
    from utils.paths import resolve_shipped

    given = {"batch_size": batch_size, "runtime": runtime, "decoder": decoder, "n_best": n_best, **settings}
    image = {} if max_pixels is None else {"max_pixels": max_pixels}
    config = validate_config({"predict": given, "image": image}, "load")
    model_folder = ModelFolder(resolve_shipped(Path(os.fspath(folder))))
    return Reader(load_predictor(model_folder, config.predict, config.image.max_pixels))


def __getattr__(name: str) -> object:
    if name == "Prediction":
        from base.base_predictor import Prediction

        return Prediction
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

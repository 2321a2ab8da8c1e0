"""Which runtime reads: ONNX Runtime starts in half a second, Keras can do everything."""

import importlib.util
from pathlib import Path

from models.calibration import read_calibration
from models.description import read_description
from predictors.word_predictor import WordPredictor
from utils.config.predict import PredictConfig
from utils.errors import UserError
from utils.log import log


def load_predictor(folder: Path, settings: PredictConfig, calibrated: bool = True) -> WordPredictor:
    """Loads a model folder for the runtime that `predict.runtime` means; only that one is imported.

    Args:
        calibrated: whether confidences go through the model's calibration, if it has one for these settings.

    Raises:
        UserError: the folder isn't a whole one, or has no ONNX files where those are demanded.
    """
    description = read_description(folder)
    log(f"Using the model in {folder}. {description.get('origin', {}).get('licence') or ''}".rstrip())
    predictor = _load(folder, settings)
    predictor.views, predictor.views_below = settings.views, settings.views_below
    if calibrated:
        predictor.calibration = read_calibration(folder, settings)
        if not predictor.calibration and description.get("calibrations"):
            log(f"Confidences of decoder {settings.decoder} are not calibrated as set; --calibrate does it.")
    return predictor


def _load(folder: Path, settings: PredictConfig) -> WordPredictor:
    greedy = settings.decoder == "greedy"
    if settings.runtime == "onnx":
        if not greedy:
            raise UserError(
                f"predict.runtime onnx only decodes greedily; for decoder {settings.decoder} set it to auto."
            )
        return _load_onnx(folder, settings)
    if settings.runtime == "auto" and greedy and _has_onnx(folder):
        try:
            return _load_onnx(folder, settings)
        except UserError as error:
            log(f"{error} Going on with Keras.")
    from utils.keras_import import import_keras

    import_keras()
    from predictors.predictor_seq2seq import PredictorSeq2Seq

    return PredictorSeq2Seq.from_folder(folder, settings)


def _load_onnx(folder: Path, settings: PredictConfig) -> WordPredictor:
    from predictors.onnx.runtime import PredictorOnnx

    return PredictorOnnx.from_folder(folder, settings.batch_size, ctc_weight=settings.ctc_weight)


def _has_onnx(folder: Path) -> bool:
    """Whether ONNX files and ONNX Runtime are there; whether they work shows when they are loaded."""
    return "onnx" in read_description(folder) and importlib.util.find_spec("onnxruntime") is not None

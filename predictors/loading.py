"""Loads a model on ONNX Runtime, which starts in half a second, or on Keras, which runs every decoder."""

import importlib.util

from models.calibration import Calibration
from models.model_folder import ModelFolder
from models.model_paths import find_model
from predictors.word_predictor import WordPredictor
from utils.config.predict import PredictConfig
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log


def configured_predictor(config: Config) -> WordPredictor:
    """Returns the predictor of the model that the config names; raises UserError as `load_predictor`."""
    return load_predictor(ModelFolder(find_model(config)), config.predict, config.image.max_pixels)


def load_predictor(
    folder: ModelFolder, settings: PredictConfig, max_pixels: int, calibrated: bool = True
) -> WordPredictor:
    """Returns the predictor of a model folder on the runtime that `predict.runtime` names; only that one is imported.

    Image files of more than `max_pixels` are refused; `calibrated` applies the calibration for these settings, if any.
    Raises UserError if a file of the folder is missing or damaged, or it has no ONNX files where they are needed.
    """
    log(f"Using the model in {folder.path}. {folder.licence}".rstrip())
    calibration = folder.calibration(settings) if calibrated else None
    if calibrated and not calibration and folder.description.calibrations:
        log(f"Confidences of decoder {settings.decoder} with these settings are not calibrated; --calibrate does it.")
    if settings.runtime == "onnx" and settings.decoder != "greedy":
        raise UserError(f"predict.runtime onnx only decodes greedily; for decoder {settings.decoder} set it to auto.")
    if settings.runtime == "onnx":
        return _load_onnx(folder, max_pixels, settings, calibration)
    has_onnx = folder.description.onnx is not None and importlib.util.find_spec("onnxruntime") is not None
    if settings.runtime == "auto" and settings.decoder == "greedy" and has_onnx:
        try:
            return _load_onnx(folder, max_pixels, settings, calibration)
        except UserError as error:
            log(f"{error} Continuing with Keras.")
    from utils.keras_import import import_keras

    import_keras()
    import keras

    from models.saving import load_model
    from predictors.predictor_seq2seq import PredictorSeq2Seq

    log(f"Reading on {keras.distribution.list_devices()[0]} with Keras.")
    return PredictorSeq2Seq(load_model(folder, max_pixels), settings, calibration)


def _load_onnx(
    folder: ModelFolder, max_pixels: int, settings: PredictConfig, calibration: Calibration | None
) -> WordPredictor:
    from predictors.onnx.runtime import PredictorOnnx, UnusableGraph

    log("Reading on the CPU with ONNX Runtime.")
    try:
        return PredictorOnnx(*folder.onnx(), folder.spec.with_max_pixels(max_pixels), settings, calibration)
    except UnusableGraph as error:
        raise UserError(f"{error} in the model folder {folder.path}; export it again.") from None

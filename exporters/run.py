"""The `--export` job: adds ONNX files to a model folder, for prediction without Keras."""

import contextlib
import time
from pathlib import Path

import numpy as np

from base.base_predictor import Prediction
from models.model_folder import ModelFolder
from models.model_paths import find_model
from models.model_seq2seq import ModelSeq2Seq
from models.saving import load_model
from predictors.onnx.runtime import PredictorOnnx
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.word_image import read_word_image, to_network_geometry
from utils.config.image import ImageConfig
from utils.config.predict import PredictConfig
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import atomic_write
from utils.log import log
from utils.paths import ROOT

TOLERANCE, CHARACTER_TOLERANCE = 1e-4, 1e-3  # of confidences: of texts, and of their characters
TEST_IMAGES = ROOT / "test_images"
RANDOM_IMAGES = 20


def export(config: Config) -> None:
    """Writes encoder and decoder beside the weights of the model that `config` means.

    `model.json` names them only once they read sample images as Keras does, so an interrupted or failed export leaves
    the model as it was. Raises UserError without a model or the package `onnx`, if the folder can't be written, or if a
    training replaced the model.
    """
    folder = ModelFolder(find_model(config))
    log(f"Exporting the model in {folder.path}.")
    model = load_model(folder)
    settings = PredictConfig(batch_size=config.predict.batch_size, ctc_weight=config.predict.ctc_weight)
    stamp = f"{time.time_ns():x}"
    encoder, decoder = (folder.path / f"model-{stamp}.{part}.onnx" for part in ("encoder", "decoder"))
    try:
        _write(model, encoder, decoder)
        exported = PredictorOnnx(encoder.read_bytes(), decoder.read_bytes(), model.spec, settings)
        images = sample_images(model.image)
        read_by_keras = PredictorSeq2Seq(model, settings).predict_batch(images)
        largest = largest_difference(read_by_keras, exported.predict_batch(images))
        log(f"{len(images)} sample images are read exactly as by Keras; confidences differ by {largest:.0e} at most.")
        folder.add_onnx(encoder.name, decoder.name)
    except BaseException as error:
        named: list[str] = []
        with contextlib.suppress(UserError):
            named = ModelFolder(folder.path).description.files
        for path in (encoder, decoder):
            if path.name not in named:
                path.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):  # A training has tidied up meanwhile.
            raise folder.replaced() from None
        raise
    size = (encoder.stat().st_size + decoder.stat().st_size) / 1e6
    log(f"Wrote {encoder.name} and {decoder.name} ({size:.1f} MB) into {folder.path}.")


def _write(model: ModelSeq2Seq, encoder: Path, decoder: Path) -> None:
    try:
        from exporters.decoder import decoder_graph
        from exporters.encoder import encoder_graph
    except ImportError:
        raise UserError("--export needs the package onnx; install it or the extra `train`.") from None
    for path, graph in ((encoder, encoder_graph(model)), (decoder, decoder_graph(model))):
        with atomic_write(path) as temporary:
            graph.save(temporary)


def sample_images(image: ImageConfig) -> list[np.ndarray]:
    """Returns the repository's test images and noise of all kinds of sizes, in the network's geometry."""
    files = [read_word_image(path, image) for path in sorted(TEST_IMAGES.glob("*.png"))]
    rng = np.random.default_rng(0)
    colours = () if image.image_size.num_channels == 1 else (3,)
    noise = []
    for _ in range(RANDOM_IMAGES):
        height, width, darkest = rng.integers(5, 150), rng.integers(5, 600), rng.integers(0, 250)
        pixels = rng.integers(darkest, 256, (height, width, *colours), dtype=np.uint8)
        noise.append(to_network_geometry(pixels, image))
    return files + noise


def largest_difference(expected: list[Prediction], found: list[Prediction]) -> float:
    """Returns the largest difference of two confidences; RuntimeError if a text differs or one is beyond tolerance."""
    differences = [0.0]
    for first, second in zip(expected, found, strict=True):
        pairs = zip(first.character_confidences, second.character_confidences)
        characters, text = [abs(a - b) for a, b in pairs], abs(first.confidence - second.confidence)
        differences += [*characters, text]
        if first.text != second.text or text > TOLERANCE or max(characters, default=0.0) > CHARACTER_TOLERANCE:
            raise RuntimeError(f"The exported model reads {second}, Keras {first}; the model is unchanged.")
    return max(differences)

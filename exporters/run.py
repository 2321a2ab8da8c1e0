"""The `--export` job: adds ONNX files to a model folder, for prediction without Keras."""

import time
from pathlib import Path

from base.base_predictor import BasePredictor
from exporters.parity import largest_difference, sample_images
from models.artifact import add_onnx, load_artifact, named_files, remove_others, replaced_meanwhile
from models.description import ModelSpec, model_folder
from models.model_seq2seq import ModelSeq2Seq
from predictors.onnx.runtime import PredictorOnnx
from predictors.predictor_seq2seq import PredictorSeq2Seq
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import atomic_write
from utils.log import log


def export(config: Config) -> None:
    """Writes encoder and decoder beside the weights of the config's model.

    `model.json` names them only after they have read sample images as Keras does, so an interrupted or
    failed export leaves the model unchanged.

    Raises:
        UserError: no model, no `onnx` package, the folder can't be written, or a training replaced the model.
    """
    folder = model_folder(config)
    log(f"Exporting the model in {folder}.")
    model, description = load_artifact(folder)
    greedy = config.predict.model_copy(update={"decoder": "greedy"})
    stamp = f"{time.time_ns():x}"
    encoder, decoder = (folder / f"model-{stamp}.{part}.onnx" for part in ("encoder", "decoder"))
    try:
        _write(model, encoder, decoder)
        spec = ModelSpec(model.image, model.network, model.tokenizer)
        parts = encoder.read_bytes(), decoder.read_bytes()
        exported = PredictorOnnx(*parts, spec, ctc_weight=config.predict.ctc_weight)
        _verify(PredictorSeq2Seq(model, predict=greedy), exported, model)
        add_onnx(folder, description, encoder.name, decoder.name)
    except BaseException as error:
        for path in (encoder, decoder):
            path.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):  # A training has removed old files meanwhile.
            raise replaced_meanwhile(folder) from None
        raise
    remove_others(folder, [description["weights"], encoder.name, decoder.name], named_files(description))
    size = (encoder.stat().st_size + decoder.stat().st_size) / 1e6
    log(f"Wrote {encoder.name} and {decoder.name} ({size:.1f} MB) into {folder}.")


def _write(model: ModelSeq2Seq, encoder: Path, decoder: Path) -> None:
    try:
        from exporters.decoder import decoder_graph
        from exporters.encoder import encoder_graph
    except ImportError:
        raise UserError("--export needs the package onnx; install it with `pip install onnx`.") from None
    for path, graph in ((encoder, encoder_graph(model)), (decoder, decoder_graph(model))):
        with atomic_write(path) as temporary:
            graph.save(temporary)


def _verify(keras: BasePredictor, exported: BasePredictor, model: ModelSeq2Seq) -> None:
    images = sample_images(model.image)
    difference = largest_difference(keras.predict_batch(images), exported.predict_batch(images))
    log(
        f"{len(images)} sample images are read exactly as by Keras; "
        f"confidences differ by {difference:.0e} at most."
    )

"""Convolutions of an exported encoder in 8-bit integers, for reading in less time.

Their inputs, outputs and weights are rounded to 256 steps (weights to 128) over ranges that are seen on
training words (Jacob et al. 2018, https://arxiv.org/abs/1712.05877). The first convolution stays as it is:
it costs little, and its outputs spread too far for 256 steps.
"""

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from models.description import ModelSpec
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from data_generators.dataset import Dataset, open_dataset, read_dataset_labels
from metrics.score_prediction import score_prediction
from predictors.word_predictor import WordPredictor
from preprocessing.batch import pad_images
from preprocessing.labels import Word
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import atomic_write

RANGE_WORDS = 256
BATCH = 16


def open_words(config: Config, spec: ModelSpec, split: str, most: int | None = None) -> Dataset:
    """Words of the config's dataset in the model's geometry, `most` of them at random.

    Raises:
        UserError: the labels file or the images can't be read, or the part has no words.
    """
    words: list[Word] = read_dataset_labels(config).splits[split]
    if not words:
        raise UserError(f"export.int8 needs {split} words, and {config.labels_file} has none.")
    if most is not None and most < len(words):
        words = random.Random(0).sample(words, most)
    return open_dataset(config.in_geometry_of(spec.image), words, split, purpose="export.int8")


def quantize(encoder: Path, dataset: Dataset, spec: ModelSpec) -> None:
    """Replaces the file `encoder`, as `--export` writes it, by one with convolutions in int8.

    Args:
        dataset: words that the ranges are taken from.
    """
    model = _with_constant_weights(onnx.load(encoder))
    first = next(node.name for node in model.graph.node if node.op_type == "Conv")
    with atomic_write(encoder) as temporary:
        _quantize(model, temporary, first, _Batches(dataset, spec))
        quantized = onnx.load(temporary)
        for tensor in quantized.graph.initializer:
            # As raw bytes, the one form that prediction accepts.
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
        onnx.save(quantized, str(temporary))


def compare(exact: WordPredictor, quantized: WordPredictor, dataset: Dataset, largest_loss: float) -> str:
    """A sentence with both CERs on the words of `dataset`.

    Raises:
        UserError: that of `quantized` is larger by more than `largest_loss`.
    """
    labels = [word.label for word in dataset.words]

    def cer(predictor: WordPredictor) -> float:
        read = predictor.predict_dataset(dataset, progress=True)
        return score_prediction(labels, [word.text for word in read]).cer

    before, after = cer(exact), cer(quantized)
    told = f"{len(labels)} validation words are read at CER {after:.2%} in int8, {before:.2%} in float32"
    if after > before + largest_loss:
        raise UserError(f"{told}: too much worse; export the model without export.int8.")
    return f"{told}."


class _Batches(CalibrationDataReader):
    """What `quantize_static` asks for inputs of the graph, until None."""

    def __init__(self, dataset: Dataset, spec: ModelSpec) -> None:
        self._batches = _inputs(dataset, spec)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


def _inputs(dataset: Dataset, spec: ModelSpec) -> Iterator[dict[str, np.ndarray]]:
    order = np.argsort(dataset.widths, kind="stable")
    for start in range(0, len(order), BATCH):
        images = [dataset.image(int(index)) for index in order[start : start + BATCH]]
        image, width = pad_images(images, spec.column_stride)
        yield {"image": image, "width": width}


def _quantize(model: onnx.ModelProto, path: Path, kept: str, batches: CalibrationDataReader) -> None:
    # Its remarks on graphs that were not preprocessed go to the root logger.
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            model,
            str(path),
            batches,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[kept],
            per_channel=True,
            # Processors without VNNI add pairs of products in 16 bits, which 8-bit weights would overflow.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(logging.NOTSET)


def _with_constant_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Names all nodes, and widens the weights that are kept in float16: only constants are quantized."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for number, node in enumerate(graph.node):
        node.name = f"n{number}"
        halved = weights.get(node.input[0])
        if node.op_type == "Cast" and halved is not None and halved.data_type == TensorProto.FLOAT16:
            wide = numpy_helper.to_array(halved).astype(np.float32)
            halved.CopyFrom(numpy_helper.from_array(wide, node.output[0]))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    return model

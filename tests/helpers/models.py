"""Networks with random weights, model folders, and predictors for them."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from exporters.decoder import decoder_graph
from exporters.encoder import encoder_graph
from models.model_folder import ModelFolder
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import load_model
from predictors.loading import load_predictor
from predictors.onnx.runtime import PredictorOnnx
from predictors.predictor_seq2seq import PredictorSeq2Seq
from predictors.word_predictor import WordPredictor
from preprocessing.batch import pad_images
from preprocessing.tokenizer import END, PAD, Tokenizer
from utils.config.predict import PredictConfig
from utils.config.schema import Config

# Greedy reading that does not depend on the other words of a batch, as the turning of words does.
ALONE = PredictConfig(turn_below=0)
LUONG = {"attention": "luong", "decoder_layers": 2, "embedding_dim": 4, "bidirectional": True}
# Between them every option of the network and of the image that changes the graph.
TWO_BLOCKS = {"num_filters": [4, 6], "conv_kernels": [[5, 5], [3, 2]], "pooling": [[2, 2], [2, 1]]}
NETWORKS = {
    "plain": ({}, {}),
    "seed": ({"fixed_width": True, "normalization": "standard"}, {"columns": "flatten"}),
    "flatten with attention": ({"fixed_width": True}, {"columns": "flatten", "attention": "luong"}),
    "fixed width": ({"fixed_width": True}, {"attention": "luong", "bidirectional": True}),
    "recipe": (
        {},
        {
            **TWO_BLOCKS,
            "strides": [[2, 2], [1, 1]],
            "use_batch_norm": [False, True],
            "column_dim": 7,
            "encoder_dim": 5,
            "bidirectional": True,
            "attention": "luong",
            "embedding_dim": 4,
            "dropout": 0.2,
            "ctc_weight": 0.3,
        },
    ),
    "deep": (
        {"normalization": "standard", "image_size": {"num_channels": 3}},
        {
            **TWO_BLOCKS,
            "residual": [1, 2],
            "encoder_layers": 2,
            "bidirectional": True,
            "attention": "luong",
            "decoder_layers": 2,
        },
    ),
    "located": ({}, {"attention": "located", "ctc_weight": 0.3, "bidirectional": True, "embedding_dim": 4}),
    "one direction": ({}, {"encoder_layers": 2, "attention": "luong", "encoder_dim": 20, "embedding_dim": 3}),
}


def random_network(make_config, seed=2, image=None, network=None) -> ModelSeq2Seq:
    """A network with large random weights and batch statistics, so that texts differ."""
    config = make_config(image=image or {}, network={"max_seq_length": 9, **(network or {})})
    model, rng = _randomized(config, seed)
    for variable in model.keras_model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.2, 2, variable.shape))
    favour(model, END, 2)
    favour(model, PAD, 9)  # It would win if it were not forbidden.
    return model


def _randomized(config: Config, seed: int) -> tuple[ModelSeq2Seq, np.random.Generator]:
    keras.utils.set_random_seed(seed)
    model = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("abcdefg")))
    rng = np.random.default_rng(seed)
    for variable in model.keras_model.trainable_variables:
        variable.assign(variable + rng.normal(0, 1.5, variable.shape))
    return model, rng


def pictures(model: ModelSeq2Seq, number: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    size, images = model.image.image_size, []
    for _ in range(number):
        width = size.x_size if model.image.fixed_width else int(rng.integers(1, size.x_size + 1))
        shape = (size.y_size, width) if size.num_channels == 1 else (size.y_size, width, 3)
        images.append(rng.integers(rng.integers(0, 250), 256, shape).astype(np.uint8))
    return images


def description_of(folder: Path) -> dict[str, Any]:
    """The content of a model folder's `model.json`."""
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


def load(folder: Path) -> ModelSeq2Seq:
    return load_model(ModelFolder(folder))


def predictor_of(folder: Path, **settings) -> WordPredictor:
    """The predictor that `predict.*` settings choose for a model folder."""
    return load_predictor(ModelFolder(folder), PredictConfig(**settings), 50_000_000)


def keras_predictor(folder: Path, settings: PredictConfig | None = None) -> PredictorSeq2Seq:
    return PredictorSeq2Seq(load(folder), settings or PredictConfig())


def exported(model: ModelSeq2Seq, folder: Path) -> PredictorOnnx:
    """The ONNX predictor of a model, whose files are written into `folder`."""
    encoder_graph(model).save(folder / "encoder.onnx")
    decoder_graph(model).save(folder / "decoder.onnx")
    graphs = ((folder / f"{part}.onnx").read_bytes() for part in ("encoder", "decoder"))
    return PredictorOnnx(*graphs, model.spec, ALONE)


def assert_alike(found, expected):
    assert [word.text for word in found] == [word.text for word in expected]
    for first, second in zip(found, expected, strict=True):
        assert first.confidence == pytest.approx(second.confidence, abs=1e-4)
        assert first.character_confidences == pytest.approx(second.character_confidences, abs=1e-4)


def build(make_config, seed=4, end_bias=2.0, **network) -> ModelSeq2Seq:
    """A random network with large weights, so that texts differ; `end_bias` makes words shorter."""
    config = make_config(network={"max_seq_length": 9, **network})
    model, _ = _randomized(config, seed)
    favour(model, END, end_bias)
    return model


def favour(model: ModelSeq2Seq, token: int, amount: float) -> None:
    """Adds `amount` to the logit of an id."""
    bias = model.decoder.dense.bias
    bias.assign(bias + amount * np.eye(bias.shape[0])[token])


def inputs_of(model: ModelSeq2Seq, images: list[np.ndarray]) -> dict[str, np.ndarray]:
    """A batch of images as the encoder and the decoders take it."""
    image, width = pad_images(images, model.column_stride)
    return {"image": image, "width": width}


def small_pictures(number=12, seed=0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = [(16, rng.integers(5, 64)) for _ in range(number)]
    return [rng.integers(0, rng.integers(10, 255), size).astype(np.uint8) for size in sizes]

"""Shapes, sizes and invariances of the network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from base.base_trainer import BaseTrainer
from callbacks.batch_statistics import fix_statistics
from models.layers import BatchNormalization, HideSpans
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from preprocessing.tokenizer import END, PAD, START, Tokenizer
from tests.helpers.tiny import PLAIN, plain_image, plain_network
from utils.config.schema import Config
from utils.config.train import TrainConfig

CHARSET = "abcdefg"
SMALL = {
    "num_filters": [4, 6],
    "conv_kernels": [[3, 3], [3, 3]],
    "use_batch_norm": False,
    "columns": "height",
    "latent_dim": 8,
    "max_seq_length": 8,
    "fixed_seq_length": False,
}
IMAGE = plain_image(image_size={"y_size": 16, "x_size": 64}, fixed_width=False)


def build(image=IMAGE, **changes):
    keras.utils.set_random_seed(7)
    model = ModelSeq2Seq(ModelSpec(image, plain_network(**{**SMALL, **changes}), Tokenizer(CHARSET)))
    rng = np.random.default_rng(0)
    for variable in model.keras_model.trainable_variables:  # biases and batch norms start at 0 and 1: too tame
        variable.assign(variable + rng.normal(0, 0.2, variable.shape))
    for variable in model.keras_model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(variable + rng.uniform(0.1, 0.5, variable.shape))
    return model


def batch(widths=(32, 20), length=5, padded_to=32, seed=0):
    rng = np.random.default_rng(seed)
    image = np.full((len(widths), 16, padded_to, 1), 255, np.uint8)
    for row, width in zip(image, widths):
        row[:, :width] = np.random.default_rng(width).integers(0, 255, (16, width, 1))
    ids = rng.integers(3, 3 + len(CHARSET), (len(widths), length)).astype(np.int32)
    ids[:, 0] = START
    return {"image": image, "width": np.array(widths, np.int32), "decoder_input": ids}


def logits(model, inputs):
    outputs = model.keras_model(inputs)
    return ops.convert_to_numpy(outputs["characters"] if isinstance(outputs, dict) else outputs)


def start(model, inputs):
    return model.encoder([ops.convert_to_tensor(inputs["image"]), ops.convert_to_tensor(inputs["width"])])


@pytest.fixture(scope="module")
def seed_model():
    config = Config.model_validate(PLAIN)
    return ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("".join(map(chr, range(33, 130))))))


def test_seed_network_parameters(seed_model):
    filters, kernels = [1, 16, 32, 64, 128, 256, 512], [7, 5, 5, 3, 3, 3]
    convolutions = sum(k * k * i * o for k, i, o in zip(kernels, filters, filters[1:]))
    assert convolutions == 7 * 7 * 16 + 25 * 16 * 32 + 25 * 32 * 64 + 9 * (64 * 128 + 128 * 256 + 256 * 512)
    batch_norms = 4 * sum(filters[1:])
    encoder = 4 * (512 * 512 + 512 * 512 + 512)  # four gates: input, recurrent, bias
    decoder = 4 * (100 * 512 + 512 * 512 + 512)
    dense = 512 * 100 + 100
    total = convolutions + batch_norms + encoder + decoder + dense
    assert seed_model.parameter_count == total == 5_023_028


def test_seed_network_shapes(seed_model):
    encoder = seed_model.encoder
    shapes = [encoder.get_layer(f"maxpool_{block}").output.shape for block in range(1, 7)]
    assert shapes == [
        (None, 64, 192, 16),
        (None, 32, 96, 32),
        (None, 16, 48, 64),
        (None, 8, 24, 128),
        (None, 4, 12, 256),
        (None, 2, 6, 512),
    ]
    memory, mask, state_h, state_c = encoder.outputs
    assert memory.shape == (None, 12, 512) and mask.shape == (None, 12)
    assert state_h.shape == state_c.shape == (None, 512)
    assert seed_model.keras_model.output.shape == (None, 55, 100)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta"])
def test_every_optimizer_lowers_the_loss(name, eagerly):
    model = build()
    rate = {"adadelta": 1.0, "sgd": 0.1}.get(name, 0.01)
    train = TrainConfig(optimizer=name, learning_rate=rate, weight_decay=0.01, clip_norm=1.0, ema_decay=0.9)
    model.compile(BaseTrainer.make_optimizer(train))
    inputs = batch()
    target = np.array([[3, 4, 5, 6, END], [4, END, PAD, PAD, PAD]], np.int32)
    losses = [float(model.keras_model.train_on_batch(inputs, target)) for _ in range(4)]
    model.keras_model.reset_metrics()
    assert float(model.keras_model.test_on_batch(inputs, target)) < losses[0]


def test_weight_decay_and_clipping_reach_the_optimizer():
    train = TrainConfig(optimizer="adamw", weight_decay=0.3, clip_norm=2.0, ema_decay=0.9)
    adamw = BaseTrainer.make_optimizer(train)
    assert (adamw.weight_decay, adamw.global_clipnorm, adamw.ema_momentum) == (0.3, 2.0, 0.9)
    adam = BaseTrainer.make_optimizer(TrainConfig(optimizer="adam", weight_decay=0.3, clip_norm=0.0))
    assert (adam.weight_decay, adam.global_clipnorm, adam.use_ema) == (None, None, False)


VARIANTS = [
    {},
    {"embedding_dim": 3, "bidirectional": True},
    {"attention": "luong"},
    {"attention": "luong", "decoder_layers": 2, "embedding_dim": 3},
    {"attention": "located", "ctc_weight": 0.3, "bidirectional": True},
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_teacher_forcing_equals_stepwise_decoding(variant):
    model, inputs = build(**variant), batch()
    memory, valid, state_h, state_c = start(model, inputs)
    keys, states = model.decoder.start(memory, state_h, state_c)
    counts, together = model.counts(memory, valid), logits(model, inputs)
    for step in range(inputs["decoder_input"].shape[1]):
        ids = inputs["decoder_input"][:, step]
        here, states, _ = model.decoder.step(ids, states, keys, memory, valid, counts, step)
        np.testing.assert_allclose(ops.convert_to_numpy(here), together[:, step], atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_later_characters_do_not_change_earlier_logits(variant):
    model, inputs = build(**variant), batch()
    changed = {**inputs, "decoder_input": inputs["decoder_input"].copy()}
    changed["decoder_input"][:, 3] = 3 + (changed["decoder_input"][:, 3] - 2) % len(CHARSET)
    before, after = logits(model, inputs), logits(model, changed)
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max() > 1e-3


@pytest.mark.parametrize("normalization", ["ink", "standard"])
@pytest.mark.parametrize("use_batch_norm", [False, True])
@pytest.mark.parametrize("variant", [{"attention": "located", "bidirectional": True}, {}])
def test_padding_changes_nothing(use_batch_norm, normalization, variant):
    options = {"residual": [1, 0], "strides": [[1, 2], [1, 1]], "ctc_weight": 0.5, **variant}
    image = IMAGE.model_copy(update={"normalization": normalization})
    model = build(image, use_batch_norm=use_batch_norm, **options)
    alone = batch(widths=(24,), padded_to=24)
    wide = batch(widths=(24, 64), padded_to=64)
    wide["decoder_input"][0] = alone["decoder_input"][0]
    np.testing.assert_array_equal(wide["image"][0, :, :24], alone["image"][0])
    first, second = model.keras_model(alone), model.keras_model(wide)
    np.testing.assert_allclose(second["characters"][0], first["characters"][0], atol=1e-5)
    columns = first["columns"].shape[1]
    np.testing.assert_allclose(second["columns"][0, :columns], first["columns"][0], atol=1e-5)
    assert ops.convert_to_numpy(ops.argmax(second["columns"][0, columns:], -1) == PAD).all()


def test_attention_weights_sum_to_one_and_spare_padding():
    model, inputs = build(attention="luong"), batch(widths=(32, 20))
    memory, valid, state_h, state_c = start(model, inputs)
    keys, states = model.decoder.start(memory, state_h, state_c)
    _, _, weights = model.decoder.step(np.array([START, START]), states, keys, memory, valid)
    weights = ops.convert_to_numpy(weights)
    assert weights.shape == (2, 8)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert (weights[1, 5:] == 0).all() and (weights[1, :5] > 0).all() and (weights[0] > 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"residual": [1, 2], "use_batch_norm": [False, True]},
        {"residual": [1, 0]},
        {"strides": [[2, 2], [1, 1]], "pooling": [[1, 1], [2, 1]]},
        {"dropout": 0.3, "conv_dropout": 0.2, "attention": "luong", "decoder_layers": 2},
        {"bidirectional": True, "encoder_layers": 2, "encoder_dim": 6, "column_dim": 5, "dropout": 0.1},
        {"hidden_columns": 0.4, "dropout": 0.0},
        {"fixed_seq_length": True},
    ],
)
def test_options_build_and_train(options, eagerly):
    model = build(**options)
    model.compile(keras.optimizers.SGD(0.01))
    inputs = batch(length=8)
    target = np.array([[3, 4, 5, 6, 7, 8, 9, END], [4, END, *[PAD] * 6]], np.int32)
    before = [ops.convert_to_numpy(variable).copy() for variable in model.keras_model.trainable_variables]
    assert np.isfinite(float(model.keras_model.train_on_batch(inputs, target)))
    moved = [
        variable.path
        for variable, value in zip(model.keras_model.trainable_variables, before)
        if not np.array_equal(ops.convert_to_numpy(variable), value)
    ]
    # A bias before batch norm would get no gradient; every weight must take part.
    assert len(moved) == len(before)


@pytest.mark.parametrize("fixed", [False, True])
def test_fixed_statistics_train_by_what_they_read_by(fixed, eagerly):
    """And stay as they are, while scale and shift go on learning."""
    model = build(use_batch_norm=True)
    fix_statistics(model.encoder, fixed)
    norms = [layer for layer in model.encoder.layers if isinstance(layer, BatchNormalization)]
    before = [np.array(ops.convert_to_numpy(layer.moving_mean)) for layer in norms]
    inputs = batch(widths=(8, 8), padded_to=16)
    memories = (model.encoder([inputs["image"], inputs["width"]], training=mode)[0] for mode in (True, False))
    trained, read = map(ops.convert_to_numpy, memories)
    after = [ops.convert_to_numpy(layer.moving_mean) for layer in norms]
    assert np.array_equal(trained, read) == fixed
    assert all(np.array_equal(*pair) == fixed for pair in zip(before, after))
    assert len(norms) * 2 == sum("batch_norm" in v.path for v in model.keras_model.trainable_variables)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_batch_norm_computes_what_keras_does(training, dtype):
    """Outputs, gradients and running statistics, of a batch of one mean and variance by channel."""
    values = ops.convert_to_tensor(np.random.default_rng(1).normal(3, 2, (4, 2, 5, 3)).astype(np.float32))
    results = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        layer = kind(dtype=dtype, momentum=0.9)
        layer.build(values.shape)
        for variable, value in zip(layer.variables, ([1, 2, -1], [0, 1, 5], [1, 2, 3], [1, 4, 9])):
            variable.assign(value)
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = layer(values, training=training)
            loss = ops.sum(ops.cast(outputs, "float32") * ops.sin(values))
        gradients = tape.gradient(loss, [values, *layer.trainable_variables])
        assert outputs.dtype == layer.compute_dtype
        results.append([ops.cast(outputs, "float32"), *gradients, *layer.variables])
    assert len(results[0]) == 8
    for expected, result in zip(*results):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    moved = np.array(results[1][-2]) - [1, 2, 3]
    assert np.allclose(moved, 0.1 * (np.mean(values, (0, 1, 2)) - [1, 2, 3]) if training else 0, atol=1e-3)


def test_dropout_is_off_outside_training():
    model, inputs = build(dropout=0.5, conv_dropout=0.5, hidden_columns=0.5), batch()
    np.testing.assert_array_equal(logits(model, inputs), logits(model, inputs))
    first = ops.convert_to_numpy(model.keras_model(inputs, training=True))
    assert np.abs(first - ops.convert_to_numpy(model.keras_model(inputs, training=True))).max() > 1e-4


def test_hidden_spans_are_as_many_and_as_long_as_said():
    keras.utils.set_random_seed(3)
    layer = HideSpans(0.3)
    columns = np.ones((40, 500, 2), np.float32)
    np.testing.assert_array_equal(layer(columns), columns)
    seen = ops.convert_to_numpy(layer(columns, training=True))
    assert set(np.unique(seen)) == {0, 1} and (seen[..., 0] == seen[..., 1]).all()
    hidden = 1 - seen[..., 0]
    assert abs(hidden.mean() - 0.3) < 0.01
    ends = ops.convert_to_numpy(layer(np.ones((20_000, 2, 1), np.float32), training=True))
    assert np.allclose(1 - ends.mean(axis=(0, 2)), 0.3, atol=0.02)
    # No span is shorter than a letter, unless an end of the word cuts it.
    rows = ("".join("01"[round(value)] for value in row).strip("1") for row in hidden)
    assert min(len(run) for row in rows for run in row.split("0") if run) == HideSpans.SPAN

"""Losses against sums written out by hand."""

import itertools
import math

import keras
import numpy as np
import pytest

from models import losses
from models.ctc import CtcHead
from models.losses import CharacterCrossEntropy, CtcLoss
from models.model_spec import ModelSpec
from preprocessing.tokenizer import END, PAD


def softmax(logits):
    exponential = np.exp(logits - logits.max(-1, keepdims=True))
    return exponential / exponential.sum(-1, keepdims=True)


def random_logits(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_cross_entropy_by_hand():
    # Probabilities 1/2 and 1/8 of the real characters; the padding's would cost a lot.
    probability = np.array([[[0.125, 0.125, 0.25, 0.5], [0.125, 0.5, 0.125, 0.25], [1e-6, 0.5, 0.25, 0.25]]])
    target = np.array([[3, END, PAD]])
    loss = float(CharacterCrossEntropy()(target, np.log(probability)))
    assert loss == pytest.approx((math.log(2) + math.log(8)) / 2, rel=1e-5)


def test_cross_entropy_counts_characters_not_words():
    # 1 + 3 real characters: the mean over all four, not the mean of the two words' means.
    logits = random_logits(2, 3, 5)
    target = np.array([[END, PAD, PAD], [3, 4, END]])
    costs = -np.log(softmax(logits))
    expected = (costs[0, 0, END] + costs[1, 0, 3] + costs[1, 1, 4] + costs[1, 2, END]) / 4
    assert float(CharacterCrossEntropy()(target, logits)) == pytest.approx(expected, rel=1e-5)


def test_more_padding_changes_nothing():
    logits, target = random_logits(2, 3, 5), np.array([[3, END, PAD], [3, 4, END]])
    longer = np.concatenate([logits, random_logits(2, 4, 5, seed=1)], axis=1)
    padded = np.pad(target, ((0, 0), (0, 4)), constant_values=PAD)
    loss = CharacterCrossEntropy(0.1)
    assert float(loss(padded, longer)) == pytest.approx(float(loss(target, logits)), rel=1e-6)


def test_label_smoothing_formula():
    logits, target, smooth = random_logits(1, 2, 5), np.array([[3, END]]), 0.1
    soft = np.full((2, 5), smooth / 5)
    soft[0, 3] += 1 - smooth
    soft[1, END] += 1 - smooth
    expected = -(soft * np.log(softmax(logits[0]))).sum(-1).mean()
    assert float(CharacterCrossEntropy(smooth)(target, logits)) == pytest.approx(expected, rel=1e-5)


def ctc_by_enumeration(logits, label):
    """-log of the summed probability of every alignment that collapses to `label`."""
    probability = softmax(logits.astype(np.float64))
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        collapsed = [key for key, _ in itertools.groupby(path) if key != PAD]
        if collapsed == label:
            total += math.prod(probability[step, token] for step, token in enumerate(path))
    return -math.log(total)


@pytest.mark.parametrize("label", [[3], [3, 4], [3, 3], [4, 3, 4]])
def test_ctc_equals_sum_over_alignments(label):
    logits = random_logits(1, 5, 5)
    target = np.array([[*label, END, PAD]])
    expected = ctc_by_enumeration(logits[0], label) / len(label)
    assert float(CtcLoss()(target, logits)) == pytest.approx(expected, rel=1e-4)


def test_ctc_is_per_character_of_the_batch():
    logits = random_logits(2, 5, 5)
    target = np.array([[3, 4, END], [3, END, PAD]])
    expected = (ctc_by_enumeration(logits[0], [3, 4]) + ctc_by_enumeration(logits[1], [3])) / 3
    assert float(CtcLoss()(target, logits)) == pytest.approx(expected, rel=1e-4)


def ctc_and_gradient(target, logits):
    import tensorflow as tf

    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = CtcLoss()(target, logits)
    return float(loss), tape.gradient(loss, logits).numpy()


def test_ctc_and_its_gradient_are_keras_own(monkeypatch):
    """In one operation on CPUs or not; the last word only fills the batch up."""
    logits = random_logits(4, 7, 6)
    target = np.array([[3, 4, END, PAD], [5, 5, 5, END], [3, END, PAD, PAD], [PAD] * 4])
    loss, gradient = ctc_and_gradient(target, logits)
    monkeypatch.setattr(losses, "trains_on_cpu", lambda: False)
    other_loss, other_gradient = ctc_and_gradient(target, logits)
    assert loss == pytest.approx(other_loss, rel=1e-5)
    assert np.allclose(gradient, other_gradient, atol=1e-6) and np.abs(gradient[:3]).max() > 0.01
    assert not gradient[3].any()


def test_a_word_with_more_characters_than_columns_stops_no_training():
    logits = random_logits(2, 3, 6)
    target = np.array([[3, 3, 4, END], [4, END, PAD, PAD]])
    loss, gradient = ctc_and_gradient(target, logits)
    assert loss == pytest.approx(ctc_by_enumeration(logits[1], [4]) / 4, rel=1e-4)
    assert not gradient[0].any() and gradient[1].any() and np.isfinite(gradient).all()
    assert math.isnan(ctc_and_gradient(target, logits * np.nan)[0])  # a training gone wrong is seen


def test_ctc_takes_no_account_of_padding_columns():
    head = CtcHead(5)
    memory = random_logits(1, 7, 4)
    valid = np.arange(7)[None] < 4
    target = np.array([[3, 4, END]])
    alone = float(CtcLoss()(target, head(memory[:, :4], valid[:, :4])))
    padded = float(CtcLoss()(target, head(memory, valid)))
    assert padded == pytest.approx(alone, rel=1e-5)
    all_valid = float(CtcLoss()(target, head(memory, np.ones_like(valid))))
    assert abs(all_valid - alone) > 1e-3


def test_compiled_loss_is_the_loss(make_config):
    """Keras masks and averages around `call`; what `fit` minimises must still be our number."""
    from models.model_seq2seq import ModelSeq2Seq
    from preprocessing.tokenizer import Tokenizer

    config = make_config(network={"ctc_weight": 0.25})
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("ab")))
    network.compile(keras.optimizers.SGD(), label_smoothing=0.1)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (2, 16, 32, 1)).astype(np.uint8)
    inputs = {
        "image": image,
        "width": np.array([32, 20], np.int32),
        "decoder_input": np.array([[1, 3, 4], [1, 4, 0]], np.int32),
    }
    target = np.array([[3, 4, END], [4, END, PAD]], np.int32)
    outputs = network.keras_model(inputs)
    expected = 0.75 * float(CharacterCrossEntropy(0.1)(target, outputs["characters"]))
    expected += 0.25 * float(CtcLoss()(target, outputs["columns"]))
    logs = network.keras_model.test_on_batch(inputs, {"characters": target, "columns": target}, return_dict=True)
    assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)

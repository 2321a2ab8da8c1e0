"""Batch norm's statistics after an epoch: those of the chosen batches, computed by hand."""

import keras
import numpy as np
import pytest

from callbacks.batch_statistics import BatchStatistics, normalizations
from callbacks.evaluation_model import EvaluationModel, averaged_weights
from models.layers import BatchNormalization
from models.model_seq2seq import ModelSeq2Seq
from tests.helpers.data import make_dataset, make_generator
from tests.helpers.models import load
from tests.helpers.training import train
from utils.cluster import Cluster


def make_evaluated(generator, policy="float32", **optimizer):
    network = ModelSeq2Seq(generator.collator.spec)
    network.compile(keras.optimizers.SGD(0.1, **optimizer))
    evaluation_model = EvaluationModel(network, Cluster(), policy)
    evaluation_model.compile(0.0)
    return evaluation_model


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("averaging", [False, True])
def test_statistics_are_the_average_over_the_chosen_batches(policy, averaging, eagerly):
    generator = make_generator(make_dataset(), augmented=True, network={"use_batch_norm": True})
    evaluation_model = make_evaluated(generator, policy, use_ema=averaging, ema_momentum=0.5)
    network = evaluation_model.trained
    for index in range(2):
        network.keras_model.train_on_batch(*generator.batch(1, index))
    callback = BatchStatistics(evaluation_model, generator, batches=3)
    assert callback.chosen.tolist() == [0, 3, 6]  # of 7
    callback.on_epoch_end(2)
    (layer,) = normalizations(network.encoder)
    features = keras.Model(network.encoder.inputs, layer.input)

    def statistics():
        means, variances = [], []
        for index in (0, 3, 6):
            inputs, _ = generator.batch(2, index)
            values = np.asarray(features([inputs["image"], inputs["width"]]))
            means.append(values.mean((0, 1, 2)))
            variances.append(values.var((0, 1, 2)))
        return np.mean(means, 0), np.mean(variances, 0)

    with averaged_weights(network.keras_model):
        mean, variance = statistics()
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4, atol=1e-6)
    assert layer.momentum == 0.99
    assert averaging != np.allclose(statistics()[0], mean, rtol=1e-4, atol=1e-6)


def test_more_batches_than_there_are():
    generator = make_generator(make_dataset(), network={"use_batch_norm": True})
    assert BatchStatistics(make_evaluated(generator), generator, 50).chosen.tolist() == list(range(7))


def norms_of(folder):
    found = [layer for layer in load(folder).encoder.layers if isinstance(layer, BatchNormalization)]
    assert found
    return [(np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)) for layer in found]


def test_statistics_are_estimated_until_they_are_fixed(tiny, experiment, eagerly):
    """A network from scratch has none to be fixed before its first epoch; pretrained ones keep theirs."""
    settings = {"statistics_batches": 1, "num_epochs": 1, "fixed_statistics_epochs": 3}
    assert train(tiny(train=settings, network={"use_batch_norm": True})) == 0
    estimated = norms_of(experiment / "last")
    for mean, variance in estimated:
        assert (mean != 0).any()
        # A single batch, whose share of Keras' running average would be a hundredth.
        assert (np.abs(variance - 1) > 0.1).any()
    start = {"use_pretrained_weights": True, "restore_from": str(experiment / "last")}
    settings["weights_initialization"] = start
    again = experiment.with_name("again")
    file = tiny(train=settings, network={"use_batch_norm": True}, experiment_folder=str(again))
    assert train(file) == 0
    for before, after in zip(estimated, norms_of(again / "last"), strict=True):
        assert all(np.allclose(*pair, atol=1e-3) for pair in zip(before, after))

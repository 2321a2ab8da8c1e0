"""Batch norm's statistics after an epoch: those of the chosen batches, computed by hand."""

import keras
import numpy as np
from test_data_generator import make_dataset, make_generator

from callbacks.batch_statistics import BatchStatistics
from models.encoder import build_encoder


def test_statistics_are_the_average_over_the_chosen_batches():
    generator = make_generator(make_dataset(), augmented=True, network={"use_batch_norm": True})
    encoder = build_encoder(generator.config.image, generator.config.network)
    callback = BatchStatistics(encoder, generator, batches=3)
    assert callback.chosen.tolist() == [0, 3, 6]  # of 7
    callback.on_epoch_end(2)
    (layer,) = [layer for layer in encoder.layers if isinstance(layer, keras.layers.BatchNormalization)]
    features = keras.Model(encoder.inputs, layer.input)
    means, variances = [], []
    for index in (0, 3, 6):
        inputs, _ = generator.batch(2, index)
        values = np.asarray(features([inputs["image"], inputs["width"]]))
        means.append(values.mean((0, 1, 2)))
        variances.append(values.var((0, 1, 2)))
    np.testing.assert_allclose(layer.moving_mean, np.mean(means, 0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, np.mean(variances, 0), rtol=1e-4, atol=1e-6)
    assert layer.momentum == 0.99


def test_more_batches_than_there_are():
    generator = make_generator(make_dataset(), network={"use_batch_norm": True})
    encoder = build_encoder(generator.config.image, generator.config.network)
    assert BatchStatistics(encoder, generator, batches=50).chosen.tolist() == list(range(7))

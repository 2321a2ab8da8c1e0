"""Batch norm's statistics from whole batches of finished weights ("precise BN", Wu and Johnson 2021)."""

import keras
import numpy as np

from data_generators.data_generator import DataGenerator
from models.layers import BatchNormalization


class BatchStatistics(keras.callbacks.Callback):
    """After an epoch, estimates batch norm's mean and variance anew from some of its batches.

    The running averages of training are dominated by its last hundred batches, each of which holds
    words of one width, and by weights that have changed since: too rough to read by. Must come before
    validation. Source: arXiv:2105.07576, section 3.

    Args:
        encoder: the network's encoder; only its convolutions are run.
        generator: training batches, from which `batches` are taken at equal distances.
    """

    def __init__(self, encoder: keras.Model, generator: DataGenerator, batches: int) -> None:
        super().__init__()
        self.generator = generator
        self.chosen = np.unique(np.linspace(0, len(generator) - 1, batches).round().astype(int))
        self.layers = [layer for layer in encoder.layers if isinstance(layer, BatchNormalization)]
        self.convolutions = keras.Model(encoder.inputs, [layer.output for layer in self.layers])

    def on_epoch_end(self, epoch, logs=None):
        before = [layer.momentum for layer in self.layers]
        for count, index in enumerate(self.chosen, start=1):
            inputs, _ = self.generator.batch(epoch, int(index))
            for layer in self.layers:
                # Turns the running average into the plain one of all batches so far.
                layer.momentum = 1 - 1 / count
            self.convolutions([inputs["image"], inputs["width"]], training=True)
        for layer, momentum in zip(self.layers, before):
            layer.momentum = momentum


def fix_statistics(encoder: keras.Model, fixed: bool) -> None:
    """Whether batch norm uses its running statistics in training, too; compile functions anew after it."""
    for layer in encoder.layers:
        if isinstance(layer, BatchNormalization):
            layer.fixed = fixed

"""Recomputes batch norm's statistics from training batches ("precise BN", Wu and Johnson 2021)."""

import keras
import numpy as np

from base.base_data_generator import BaseDataGenerator
from callbacks.evaluation_model import EvaluationModel
from models.layers import BatchNormalization


class BatchStatistics(keras.callbacks.Callback):
    """After an epoch, recomputes batch norm's mean and variance for the weights that are evaluated and saved.

    Training's running averages are dominated by its last hundred batches, each of similar widths, and by older weights.
    Must run before validation. Source: arXiv:2105.07576, section 3.

    Args:
        evaluation_model: the network, of which only the convolutions are run. Each process computes a share of the
            batches, and all get the average.
        generator: training batches, from which `batches` are taken at equal distances.
    """

    def __init__(self, evaluation_model: EvaluationModel, generator: BaseDataGenerator, batches: int) -> None:
        super().__init__()
        self.generator = generator.unsharded()
        self.chosen = np.unique(np.linspace(0, len(generator) - 1, batches).round().astype(int))
        self.evaluation_model = evaluation_model
        self.cluster = evaluation_model.cluster
        encoder = evaluation_model.model.encoder
        self.trained = normalizations(evaluation_model.trained.encoder)
        self.layers = normalizations(encoder)
        self.convolutions = keras.Model(encoder.inputs, [layer.output for layer in self.layers])

    def on_epoch_end(self, epoch, logs=None):
        before = [layer.momentum for layer in self.layers]
        own = self.chosen[self.cluster.index :: self.cluster.number]
        with self.evaluation_model.weights():
            for count, index in enumerate(own, start=1):
                inputs, _ = self.generator.batch(epoch, int(index))
                for layer in self.layers:
                    # Makes the running average the plain mean of all batches so far.
                    layer.momentum = 1 - 1 / count
                self.convolutions([inputs["image"], inputs["width"]], training=True)
        for layer, momentum in zip(self.layers, before):
            layer.momentum = momentum
        if self.evaluation_model.is_copy:
            self._average(len(own))

    def _average(self, batches: int) -> None:
        """Gives the trained layers the average over all processes; this one has computed `batches`."""
        to_numpy = keras.ops.convert_to_numpy
        own = [[to_numpy(x).tolist() for x in (layer.moving_mean, layer.moving_variance)] for layer in self.layers]
        parts = self.cluster.gather({"batches": batches, "statistics": own})
        weights = [part["batches"] for part in parts]
        for number, layer in enumerate(self.trained):
            statistics = [part["statistics"][number] for part in parts]
            mean, variance = np.average(statistics, axis=0, weights=weights)
            layer.moving_mean.assign(mean.astype(np.float32))
            layer.moving_variance.assign(variance.astype(np.float32))


def fix_statistics(encoder: keras.Model, fixed: bool) -> None:
    """Sets whether batch norm uses its running statistics in training; functions must then be recompiled."""
    for layer in normalizations(encoder):
        layer.fixed = fixed


def normalizations(encoder: keras.Model) -> list[BatchNormalization]:
    """Returns the encoder's batch norm layers."""
    return [layer for layer in encoder.layers if isinstance(layer, BatchNormalization)]

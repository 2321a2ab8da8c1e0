"""Batch norm's statistics from whole batches of finished weights ("precise BN", Wu and Johnson 2021)."""

import keras
import numpy as np

from base.base_data_generator import BaseDataGenerator
from callbacks.evaluation_model import EvaluationModel
from models.layers import BatchNormalization


class BatchStatistics(keras.callbacks.Callback):
    """After an epoch, estimates batch norm's mean and variance anew from some of its batches.

    The running averages of training are dominated by its last hundred batches, each of which holds
    words of one width, and by weights that have changed since: too rough to read by. Estimated are those of
    the weights that are evaluated and saved, averaged ones where the optimizer averages. Must come before
    validation. Source: arXiv:2105.07576, section 3.

    Args:
        evaluated: the network; only its convolutions are run. Where it is spread over devices, its copy
            estimates; of several processes each takes a part of the batches, and all get the average.
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
                    # Turns the running average into the plain one of all batches so far.
                    layer.momentum = 1 - 1 / count
                self.convolutions([inputs["image"], inputs["width"]], training=True)
        for layer, momentum in zip(self.layers, before):
            layer.momentum = momentum
        if self.evaluation_model.copies:
            self._share(len(own))

    def _share(self, batches: int) -> None:
        """Gives the trained layers the average over all processes, of which this one has seen `batches`."""
        own = [_statistics(layer) for layer in self.layers]
        parts = self.cluster.gather({"batches": batches, "statistics": own})
        weights = [part["batches"] for part in parts]
        for number, layer in enumerate(self.trained):
            mean, variance = np.average(
                [part["statistics"][number] for part in parts], axis=0, weights=weights
            )
            layer.moving_mean.assign(mean.astype(np.float32))
            layer.moving_variance.assign(variance.astype(np.float32))


def fix_statistics(encoder: keras.Model, fixed: bool) -> None:
    """Whether batch norm uses its running statistics in training, too; compile functions anew after it."""
    for layer in normalizations(encoder):
        layer.fixed = fixed


def normalizations(encoder: keras.Model) -> list[BatchNormalization]:
    """The encoder's batch norm layers."""
    return [layer for layer in encoder.layers if isinstance(layer, BatchNormalization)]


def _statistics(layer: BatchNormalization) -> list[list[float]]:
    return [
        keras.ops.convert_to_numpy(variable).tolist()
        for variable in (layer.moving_mean, layer.moving_variance)
    ]

"""Hands batches to `fit`: made ahead by threads, in order, from any point of the training on."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras

from data_generators.data_generator import DataGenerator
from utils.parallel import ordered_map


def stream(
    generator: DataGenerator, epoch: int, step: int, threads: int, endless: bool = True
) -> Iterator[Any]:
    """Yields batches from `step` of `epoch` on.

    A stream that starts within an epoch ends with it; an endless one that starts with an epoch goes
    on through all later ones, so that the next epoch is being prepared while this one is
    evaluated. With `steps_per_epoch`, `fit` asks for a new stream when one has ended.
    """
    epochs = itertools.count(epoch) if endless and not step else [epoch]
    tasks = ((current, index) for current in epochs for index in range(step, len(generator)))
    yield from ordered_map(lambda task: generator.batch(*task), tasks, threads, ahead=4 * threads)


class InputPipeline:
    """What `fit` is given: a dataset whose every iterator starts where training stands.

    Attributes:
        epoch, step: where the next iterator starts; the trainer moves them.
        endless: whether an iterator goes on after the epoch it started with.
        error: what has ended an iterator early; TensorFlow passes it on as text only.
    """

    def __init__(self, generator: DataGenerator, threads: int, endless: bool = True) -> None:
        self.generator = generator
        self.threads = threads
        self.endless = endless
        self.epoch = 0
        self.step = 0
        self.error: Exception | None = None
        self._dataset: Any = None

    def dataset(self) -> Any:
        """A `tf.data.Dataset` on TensorFlow, a Python generator on other backends.

        The former is made once: TensorFlow keeps what each needs for as long as the process lives.

        Keras would infer the shapes from the first two batches and fail on a later one of
        another width (TypeError: generator yielded an element of shape ...), so TensorFlow gets
        them in words.
        """
        if keras.backend.backend() != "tensorflow":
            return self._endless()
        if self._dataset is None:
            self._dataset = self._make_dataset()
        return self._dataset

    def _make_dataset(self) -> Any:
        import tensorflow as tf

        spec = self.generator.collator.spec
        size = spec.image.image_size
        ids = tf.TensorSpec((None, None), tf.int32)
        inputs = {
            "image": tf.TensorSpec((None, size.y_size, None, size.num_channels), tf.uint8),
            "width": tf.TensorSpec((None,), tf.int32),
            "decoder_input": ids,
        }
        targets = {"characters": ids, "columns": ids} if spec.network.ctc_weight else ids
        return tf.data.Dataset.from_generator(self._next, output_signature=(inputs, targets)).prefetch(1)

    def _next(self) -> Iterator[Any]:
        try:
            yield from stream(self.generator, self.epoch, self.step, self.threads, self.endless)
        except Exception as error:
            self.error = error
            raise

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self._next()

"""Feeds batches to `fit`: prepared ahead by threads, in order, from any position of the training."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras

from data_generators.data_generator import DataGenerator
from utils.parallel import ordered_map


def stream(generator: DataGenerator, epoch: int, step: int, threads: int, endless: bool = True) -> Iterator[Any]:
    """Yields the batches of `epoch` from `step` on.

    An endless stream that starts at the beginning of an epoch continues with the following epochs, so that the next
    epoch is prepared during validation. When a stream ends, `fit` with `steps_per_epoch` takes the next one.
    """
    epochs = itertools.count(epoch) if endless and not step else [epoch]
    tasks = ((current, index) for current in epochs for index in range(step, len(generator)))
    pool = ThreadPoolExecutor(threads)
    yield from ordered_map(lambda task: generator.batch(*task), tasks, pool, ahead=4 * threads)


class InputPipeline:
    """The input of `fit`: a dataset whose every iterator starts at the current position of the training.

    Attributes:
        epoch, step: where the next iterator starts; set by the trainer.
        endless: see `stream`.
        error: the exception that ended an iterator; TensorFlow passes on only its text.
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
        """Returns a `tf.data.Dataset` on TensorFlow, a Python generator on other backends.

        The former is made once, since TensorFlow never frees its resources. Its shapes are given, since Keras would
        infer them from the first two batches and fail on a later one of another width.
        """
        if keras.backend.backend() != "tensorflow":
            return (batch for _ in itertools.count() for batch in self._next())
        if self._dataset is None:
            import tensorflow as tf

            spec = self.generator.collator.spec
            size = spec.image.image_size
            ids = tf.TensorSpec((None, None), tf.int32)
            inputs = {
                "image": tf.TensorSpec((None, size.y_size, None, size.num_channels), tf.uint8),
                "width": tf.TensorSpec((None,), tf.int32),
                "decoder_input": ids,
            }
            signature = inputs, {"characters": ids, "columns": ids} if spec.network.ctc_weight else ids
            dataset = tf.data.Dataset.from_generator(self._next, output_signature=signature)
            self._dataset = dataset.prefetch(1)
        return self._dataset

    def _next(self) -> Iterator[Any]:
        try:
            yield from self._batches()
        except Exception as error:
            self.error = error
            raise

    def _batches(self) -> Iterator[Any]:
        return stream(self.generator, self.epoch, self.step, self.threads, self.endless)

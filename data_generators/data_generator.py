"""The Keras `Sequence` that feeds training."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from base.base_data_generator import BaseDataGenerator
from data_generators.data_augmentation import augment
from data_generators.dataset import Dataset
from preprocessing.batch import pad_images
from utils.config_schema import Config
from utils.tokenizer import NUM_SPECIAL, Tokenizer

# Pixels. Libraries prepare themselves anew for each shape; with fewer shapes a step of the compact network
# takes an eighth less time (2 CPU cores), though there is more padding.
WIDTH_STEP = 16
# Sets the random numbers of wrong characters apart from those of the batch's first image.
MISLEAD = 1


class DataGenerator(BaseDataGenerator):
    """Batches of word images with teacher-forcing input and target.

    A batch is `(inputs, target)`:
        inputs["image"]: uint8 (batch, y_size, widest and a little, channels), padded with paper
        inputs["width"]: int32 (batch,), valid pixels of each image
        inputs["decoder_input"]: int32 (batch, length), START and the label, then PAD
        target: int32 (batch, length), the label and END, then PAD; with a joint CTC loss once for
            each of the two outputs

    Args:
        column_stride: pixels per encoder column; widths are multiples of it.
        shares: see `BaseDataGenerator`.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        tokenizer: Tokenizer,
        column_stride: int,
        shuffle: bool = True,
        use_data_augmentation: bool = False,
        shares: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__(dataset.widths, config.train.batch_size, config.seed, shuffle, shares)
        self.config = config
        self.dataset = dataset
        self.tokenizer = tokenizer
        self.column_stride = column_stride
        self.use_data_augmentation = use_data_augmentation

    def make_batch(self, positions: np.ndarray, epoch: int) -> tuple[dict[str, np.ndarray], Any]:
        network = self.config.network
        labels = [self.dataset.words[position].label for position in positions]
        length = network.max_seq_lenght if network.fixed_seq_length else None
        decoder_input, target = self.tokenizer.encode_batch(labels, length)
        if self.use_data_augmentation and self.config.data_aug.wrong_characters:
            decoder_input = self._mislead(decoder_input, int(positions[0]), epoch)
        images = [self._image(int(position), epoch) for position in positions]
        step = 1 if self.config.image.fixed_width else math.lcm(WIDTH_STEP, self.column_stride)
        image, width = pad_images(images, self.column_stride, self._min_widths(labels), step)
        targets = {"characters": target, "columns": target} if network.ctc_weight else target
        return {"image": image, "width": width, "decoder_input": decoder_input}, targets

    def _mislead(self, decoder_input: np.ndarray, position: int, epoch: int) -> np.ndarray:
        """Replaces some characters by others, so that the decoder trusts the image more than what it wrote.

        In reading, its input holds its own mistakes (Bengio et al. 2015, arXiv:1506.03099).
        """
        rng = np.random.default_rng([self.config.seed, epoch, position, MISLEAD])
        wrong = rng.random(decoder_input.shape) < self.config.data_aug.wrong_characters
        others = rng.integers(NUM_SPECIAL, self.tokenizer.vocabulary_size, decoder_input.shape, np.int32)
        return np.where(wrong & (decoder_input >= NUM_SPECIAL), others, decoder_input)

    def _image(self, position: int, epoch: int) -> np.ndarray:
        image = self.dataset.image(position)
        if not self.use_data_augmentation:
            return image
        rng = np.random.default_rng([self.config.seed, epoch, position])
        size = self.config.image.image_size
        distorted = augment(image, self.config.data_aug, rng, size.x_size)
        if self.config.image.fixed_width and distorted.shape[1] < size.x_size:
            return pad_images([distorted], size.x_size)[0][0].reshape(
                size.y_size, size.x_size, *image.shape[2:]
            )
        return distorted

    def _min_widths(self, labels: list[str]) -> list[int] | None:
        """CTC needs a column for each character, and one more between two equal ones."""
        if not self.config.network.ctc_weight:
            return None
        return [
            (len(label) + sum(first == second for first, second in pairwise(label))) * self.column_stride
            for label in labels
        ]

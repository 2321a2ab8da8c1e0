"""Collates words into the arrays of a batch: augmentation, padding, teacher forcing, sharding."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from data_generators.buckets import Buckets
from data_generators.data_augmentation import augment
from models.model_spec import ModelSpec
from preprocessing.batch import pad_images, widen
from preprocessing.tokenizer import NUM_SPECIAL, PAD
from utils.config.data_aug import DataAugConfig

# Pixels. TensorFlow prepares its kernels for each new shape; with fewer shapes a step of the compact network takes an
# eighth less time (2 CPU cores), despite more padding.
WIDTH_STEP = 16
WIDE, WIDE_STEP = 320, 64  # lines come in more widths
# Separates the random numbers of wrong characters from those of the image.
CORRUPT = 1


@dataclass(frozen=True)
class Collator:
    """Makes batches `(inputs, target)`, see `DataGenerator`.

    Attributes:
        spec: the network that the batches are for.
        aug: distortions of the images and of the decoder's input; None: there are none.
        buckets: the shapes to pad to; None: each batch to its own widest image and longest label.
        shard: (index, number): of so many equal parts of each batch only part `index` is made.
    """

    spec: ModelSpec
    aug: DataAugConfig | None = None
    buckets: Buckets | None = None
    shard: tuple[int, int] = (0, 1)

    def collate(
        self,
        labels: Sequence[str],
        widths: np.ndarray,
        image: Callable[[int], np.ndarray],
        seeds: Sequence[Sequence[int]],
        rows: np.ndarray | None = None,
    ) -> tuple[dict[str, np.ndarray], Any]:
        """Returns the batch of these words, or this process's shard of it.

        Args:
            labels, widths: (n,) of all words of the batch; widths in pixels, before augmentation.
            image: returns the un-augmented image of a word; only called for words of the shard.
            seeds: of the distortion of each word.
            rows: (batch size,) int, the word of each row, for batches of equal size. Repeated words only fill the batch
                for batch norm: they have no target and add nothing to the loss. None: each word once.
        """
        if rows is None:
            rows = np.arange(len(labels))
        repeated = np.ones(len(rows), bool)
        repeated[np.unique(rows, return_index=True)[1]] = False
        index, number = self.shard
        own, repeated = rows.reshape(number, -1)[index], repeated.reshape(number, -1)[index]
        needed = [self.spec.min_width(label) for label in labels]
        width, largest, length = self._shape(labels, widths, max(needed))
        images = [self._distort(image(int(row)), " " in labels[row], seeds[row], largest) for row in own]
        decoder_input, target = self.spec.tokenizer.encode_batch([labels[row] for row in own], length)
        target[repeated] = PAD
        if self.aug and self.aug.wrong_characters:
            for ids, row in zip(decoder_input, own):
                self._corrupt_inputs(ids, seeds[row], self.aug.wrong_characters)
        least = [needed[row] for row in own]
        pixels, valid = pad_images(images, self.spec.column_stride, least, self._width_step(images), width)
        targets = {"characters": target, "columns": target} if self.spec.network.ctc_weight else target
        return {"image": pixels, "width": valid, "decoder_input": decoder_input}, targets

    def _shape(self, labels: Sequence[str], widths: np.ndarray, needed: int) -> tuple[int, int, int | None]:
        """Returns the batch's least width, the largest width of an image, and the steps (None: the longest label's)."""
        network, largest = self.spec.network, self.spec.image.image_size.x_size
        if self.buckets:
            width = self.buckets.width(int(widths.max()), needed)
            return width, min(largest, width), self.buckets.length(max(map(len, labels)))
        return 0, largest, network.max_seq_length if network.fixed_seq_length else None

    def _width_step(self, images: Sequence[np.ndarray]) -> int:
        """Returns what the batch's width is a multiple of; 1 where buckets or a fixed width decide on it."""
        if self.buckets or self.spec.image.fixed_width:
            return 1
        is_wide = max(image.shape[1] for image in images) > WIDE
        return math.lcm(WIDE_STEP if is_wide else WIDTH_STEP, self.spec.column_stride)

    def unsharded(self) -> "Collator":
        """Returns a collator of whole batches."""
        return replace(self, shard=(0, 1))

    @cached_property
    def _aug_of_lines(self) -> DataAugConfig | None:
        return self.aug and self.aug.on_lines()

    def _distort(self, image: np.ndarray, is_line: bool, seed: Sequence[int], max_width: int) -> np.ndarray:
        aug = self._aug_of_lines if is_line else self.aug
        if aug is None:
            return image
        distorted = augment(image, aug, np.random.default_rng(seed), max_width)
        geometry = self.spec.image
        return widen(distorted, geometry.image_size.x_size) if geometry.fixed_width else distorted

    def _corrupt_inputs(self, ids: np.ndarray, seed: Sequence[int], share: float) -> None:
        """Replaces a share of the input characters, so that the decoder relies more on the image.

        When decoding, its input contains its own errors (Bengio et al. 2015, arXiv:1506.03099).
        """
        rng = np.random.default_rng([*seed, CORRUPT])
        wrong = (rng.random(ids.shape) < share) & (ids >= NUM_SPECIAL)
        ids[wrong] = rng.integers(NUM_SPECIAL, self.spec.tokenizer.vocabulary_size, wrong.sum(), np.int32)

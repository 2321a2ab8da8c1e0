"""From words to the arrays of a batch: augmentation, padding, teacher forcing, this process' rows."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data_generators.buckets import Buckets
from data_generators.data_augmentation import augment
from models.geometry import ctc_columns
from preprocessing.batch import pad_images, widen
from preprocessing.tokenizer import NUM_SPECIAL, PAD, Tokenizer
from utils.config.schema import Config

# Pixels. Libraries prepare themselves anew for each shape; with fewer shapes a step of the compact network
# takes an eighth less time (2 CPU cores), though there is more padding.
WIDTH_STEP = 16
# Sets the random numbers of wrong characters apart from those of the image.
CORRUPT = 1


class Collator:
    """Makes batches `(inputs, target)`, see `DataGenerator`.

    Args:
        column_stride: pixels per encoder column; widths are multiples of it.
        augmented: whether images are distorted.
        buckets: the shapes to pad to; None: each batch to its own widest image and longest label.
        part: (index, number): of each batch only this one of so many equal parts is made, for the process
            that trains on it.
    """

    def __init__(
        self,
        config: Config,
        tokenizer: Tokenizer,
        column_stride: int,
        augmented: bool = False,
        buckets: Buckets | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.config = config
        self.tokenizer = tokenizer
        self.column_stride = column_stride
        self.augmented = augmented
        self.buckets = buckets
        self.part, self.parts = part

    def make(
        self,
        labels: Sequence[str],
        widths: np.ndarray,
        image: Callable[[int], np.ndarray],
        seeds: Sequence[Sequence[int]],
        filled: np.ndarray | None = None,
    ) -> tuple[dict[str, np.ndarray], Any]:
        """The batch of these words, or this process' part of it.

        Args:
            labels, widths: (n,) of all words of the batch; widths in pixels, before augmentation.
            image: row -> its un-augmented image; only asked for this process' rows.
            seeds: of the distortion of each word.
            filled: (rows,) int, the batch's rows, where every batch must have as many: words by their
                numbers, each of them, and some once more to fill it up. Such a repeated word, there for the
                sake of batch norm, has no target and adds nothing to the loss. None: each word once.
        """
        if filled is None:
            filled = np.arange(len(labels))
        repeated = np.ones(len(filled), bool)
        repeated[np.unique(filled, return_index=True)[1]] = False
        own = filled.reshape(self.parts, -1)[self.part]
        repeated = repeated.reshape(self.parts, -1)[self.part]
        network, size = self.config.network, self.config.image.image_size
        needed = [self._min_width(label) for label in labels]
        width, largest, length = 0, size.x_size, network.max_seq_length if network.fixed_seq_length else None
        if self.buckets:
            width = self.buckets.width(int(widths.max()), max(needed))
            largest = min(largest, width)
            length = self.buckets.length(max(map(len, labels)))
        images = [self._distorted(image(int(row)), seeds[row], largest) for row in own]
        decoder_input, target = self.tokenizer.encode_batch([labels[row] for row in own], length)
        target[repeated] = PAD
        if self.augmented and self.config.data_aug.wrong_characters:
            for ids, row in zip(decoder_input, own):
                self._corrupt_inputs(ids, seeds[row])
        step = (
            1 if self.buckets or self.config.image.fixed_width else math.lcm(WIDTH_STEP, self.column_stride)
        )
        pixels, valid = pad_images(images, self.column_stride, [needed[row] for row in own], step, width)
        targets = {"characters": target, "columns": target} if network.ctc_weight else target
        return {"image": pixels, "width": valid, "decoder_input": decoder_input}, targets

    def unsharded(self) -> "Collator":
        """One that makes the whole of each batch."""
        return Collator(self.config, self.tokenizer, self.column_stride, self.augmented, self.buckets)

    def _distorted(self, image: np.ndarray, seed: Sequence[int], max_width: int) -> np.ndarray:
        if not self.augmented:
            return image
        distorted = augment(image, self.config.data_aug, np.random.default_rng(seed), max_width)
        geometry = self.config.image
        return widen(distorted, geometry.image_size.x_size) if geometry.fixed_width else distorted

    def _corrupt_inputs(self, ids: np.ndarray, seed: Sequence[int]) -> None:
        """Replaces some characters by others, so that the decoder trusts the image more than what it wrote.

        In reading, its input holds its own mistakes (Bengio et al. 2015, arXiv:1506.03099).
        """
        rng = np.random.default_rng([*seed, CORRUPT])
        wrong = (rng.random(ids.shape) < self.config.data_aug.wrong_characters) & (ids >= NUM_SPECIAL)
        ids[wrong] = rng.integers(NUM_SPECIAL, self.tokenizer.vocabulary_size, wrong.sum(), np.int32)

    def _min_width(self, label: str) -> int:
        return ctc_columns(label) * self.column_stride if self.config.network.ctc_weight else 0

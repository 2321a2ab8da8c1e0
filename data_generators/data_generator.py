"""The Keras `Sequence` that feeds training."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from base.base_data_generator import BaseDataGenerator
from data_generators.buckets import Buckets
from data_generators.collator import Collator
from data_generators.dataset import Dataset
from preprocessing.tokenizer import Tokenizer
from utils.config.schema import Config


class DataGenerator(BaseDataGenerator):
    """Batches of word images with teacher-forcing input and target.

    A batch is `(inputs, target)`:
        inputs["image"]: uint8 (batch, y_size, widest, channels), padded with paper
        inputs["width"]: int32 (batch,), valid pixels of each image
        inputs["decoder_input"]: int32 (batch, length), START and the label, then PAD
        target: int32 (batch, length), the label and END, then PAD; with a joint CTC loss once for
            each of the two outputs

    Args:
        column_stride: pixels per encoder column; widths are multiples of it.
        shares: see `BaseDataGenerator`.
        buckets: see `Collator`.
        part: see `Collator`; every batch is filled up to `train.batch_size` then.
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
        buckets: Buckets | None = None,
        part: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(dataset.widths, config.train.batch_size, config.seed, shuffle, shares)
        self.config = config
        self.dataset = dataset
        self.pads_batches = part is not None
        self.collator = Collator(
            config, tokenizer, column_stride, use_data_augmentation, buckets, part or (0, 1)
        )

    def unsharded(self) -> "DataGenerator":
        other = copy.copy(self)
        other.collator = self.collator.unsharded()
        return other

    def make_batch(self, positions: np.ndarray, epoch: int) -> tuple[dict[str, np.ndarray], Any]:
        """See `Collator.make`."""
        dataset = self.dataset
        return self.collator.make(
            [dataset.words[position].label for position in positions],
            self.widths[positions],
            lambda row: dataset.image(int(positions[row])),
            [(self.seed, epoch, int(position)) for position in positions],
            np.resize(np.arange(len(positions)), self.batch_size) if self.pads_batches else None,
        )

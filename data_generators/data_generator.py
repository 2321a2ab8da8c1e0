"""The Keras `Sequence` that feeds training."""

import copy
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from base.base_data_generator import BaseDataGenerator
from data_generators.buckets import Buckets
from data_generators.collator import Collator
from data_generators.dataset import Dataset
from data_generators.training_words import Shares
from models.model_spec import ModelSpec
from utils.cluster import Cluster
from utils.config.data_aug import DataAugConfig
from utils.config.schema import Config
from utils.config.train import TrainConfig


class DataGenerator(BaseDataGenerator):
    """Batches of word images with teacher-forcing input and target.

    A batch is `(inputs, target)`:
        inputs["image"]: uint8 (batch, y_size, widest, channels), padded with paper
        inputs["width"]: int32 (batch,), valid pixels of each image
        inputs["decoder_input"]: int32 (batch, length), START and the label, then PAD
        target: int32 (batch, length), the label and END, then PAD; with a joint CTC loss a dictionary with
            the target of each of the two outputs
    """

    def __init__(
        self,
        dataset: Dataset,
        collator: Collator,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        shares: Sequence[tuple[int, int]] | None = None,
        pads_batches: bool = False,
        batch_width: int = 0,
    ) -> None:
        super().__init__(dataset.widths, batch_size, seed, shuffle, shares, pads_batches, batch_width)
        self.dataset = dataset
        self.collator = collator

    def unsharded(self) -> "DataGenerator":
        other = copy.copy(self)
        other.collator = self.collator.unsharded()
        return other

    def make_batch(self, positions: np.ndarray, epoch: int) -> tuple[dict[str, np.ndarray], Any]:
        dataset = self.dataset
        return self.collator.collate(
            [dataset.words[position].label for position in positions],
            self.widths[positions],
            lambda row: dataset.image(int(positions[row])),
            [(self.seed, epoch, int(position)) for position in positions],
            np.resize(np.arange(len(positions)), self.batch_size) if self.pads_batches else None,
        )


def training_generator(
    words: Dataset, shares: Shares, spec: ModelSpec, config: Config, cluster: Cluster
) -> DataGenerator:
    """Returns shuffled, augmented batches; each of several processes gets its shard of every batch."""
    aug, train = config.data_aug, config.train
    distortions = aug if aug.use_data_aug else None
    buckets = _buckets(spec, distortions)
    collator = Collator(spec, distortions, buckets, (cluster.index, cluster.number))
    return DataGenerator(
        words,
        collator,
        train.batch_size,
        config.seed,
        shares=shares,
        pads_batches=is_sharded(cluster),
        batch_width=train.batch_width,
    )


def validation_generator(words: Dataset, spec: ModelSpec, train: TrainConfig, seed: int) -> DataGenerator:
    """Returns batches of the words that this process validates on."""
    collator = Collator(spec, buckets=_buckets(spec))
    return DataGenerator(words, collator, train.batch_size, seed, shuffle=False, batch_width=train.batch_width)


def is_sharded(cluster: Cluster) -> bool:
    """Whether all batches of a training have the same number of words, in equal shards."""
    return keras.backend.backend() == "jax" or cluster.distributed


def _buckets(spec: ModelSpec, aug: DataAugConfig | None = None) -> Buckets | None:
    """Returns fixed shapes for JAX; TensorFlow pads each batch only as far as needed."""
    return Buckets(spec.image, spec.network, aug) if keras.backend.backend() == "jax" else None

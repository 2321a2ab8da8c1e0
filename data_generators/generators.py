"""The generators of a training: from its words, or a packed dataset, for this backend and this process."""

import keras

from base.base_data_generator import BaseDataGenerator
from data_generators.buckets import Buckets
from data_generators.collator import Collator
from data_generators.data_generator import DataGenerator
from data_generators.dataset import Dataset
from data_generators.packed_generator import PackedGenerator
from data_generators.packed_store import PackedStore
from preprocessing.tokenizer import Tokenizer
from utils.config.schema import Config
from utils.distributed.cluster import Cluster


def training_generator(
    config: Config,
    words: Dataset | PackedStore,
    shares: list[tuple[int, int]],
    tokenizer: Tokenizer,
    column_stride: int,
    cluster: Cluster,
) -> BaseDataGenerator:
    """Training batches, shuffled and augmented; of several processes each gets its part of every batch."""
    distorts = config.data_aug.use_data_aug
    buckets = _buckets(config, column_stride, distorts)
    part = (cluster.index, cluster.number) if buckets or cluster.distributed else None
    if isinstance(words, PackedStore):
        maker = Collator(config, tokenizer, column_stride, distorts, buckets, part or (0, 1))
        return PackedGenerator(config, words, maker)
    return DataGenerator(
        config,
        words,
        tokenizer,
        column_stride,
        use_data_augmentation=distorts,
        shares=shares,
        buckets=buckets,
        part=part,
    )


def validation_generator(
    config: Config, words: Dataset, tokenizer: Tokenizer, column_stride: int
) -> DataGenerator:
    """Batches of the words that this process validates on."""
    buckets = _buckets(config, column_stride, distorts=False)
    return DataGenerator(config, words, tokenizer, column_stride, shuffle=False, buckets=buckets)


def _buckets(config: Config, column_stride: int, distorts: bool) -> Buckets | None:
    """Fixed shapes where XLA compiles anew for each; TensorFlow pads each batch just as far as it needs."""
    if keras.backend.backend() != "jax":
        return None
    return Buckets(config.image, config.network, column_stride, config.data_aug if distorts else None)

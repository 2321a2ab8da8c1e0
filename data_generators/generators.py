"""Generators of training and validation batches for the current backend and process."""

import keras

from data_generators.buckets import Buckets
from data_generators.collator import Collator
from data_generators.data_generator import DataGenerator
from data_generators.dataset import Dataset
from data_generators.training_words import Shares
from models.model_spec import ModelSpec
from utils.cluster import Cluster
from utils.config.data_aug import DataAugConfig


def training_generator(
    words: Dataset, shares: Shares, spec: ModelSpec, aug: DataAugConfig, batch_size: int, seed: int, cluster: Cluster
) -> DataGenerator:
    """Returns shuffled, augmented batches; each of several processes gets its shard of every batch."""
    distortions = aug if aug.use_data_aug else None
    buckets = _buckets(spec, distortions)
    sharded = buckets is not None or cluster.distributed
    collator = Collator(spec, distortions, buckets, (cluster.index, cluster.number) if sharded else (0, 1))
    return DataGenerator(words, collator, batch_size, seed, shares=shares, pads_batches=sharded)


def validation_generator(words: Dataset, spec: ModelSpec, batch_size: int, seed: int) -> DataGenerator:
    """Returns batches of the words that this process validates on."""
    return DataGenerator(words, Collator(spec, buckets=_buckets(spec)), batch_size, seed, shuffle=False)


def _buckets(spec: ModelSpec, aug: DataAugConfig | None = None) -> Buckets | None:
    """Returns fixed shapes for JAX; TensorFlow pads each batch only as far as needed."""
    return Buckets(spec.image, spec.network, aug) if keras.backend.backend() == "jax" else None

"""The words that an epoch of training consists of: all or some of the config's, and what is mixed in."""

import numpy as np

from data_generators.dataset import Dataset, join_datasets, open_dataset, read_dataset_labels
from utils.config_schema import Config
from utils.labels import Word
from utils.tokenizer import Tokenizer


def additional_words(config: Config) -> list[Word]:
    """The training words of `train.additional_data`, none if it names no dataset."""
    return read_dataset_labels(_additional(config)).splits["train"] if _is_mixed(config) else []


def open_training_words(
    config: Config, words: list[Word], additional: list[Word], tokenizer: Tokenizer
) -> tuple[Dataset, list[tuple[int, int]]]:
    """Opens the images of all training words.

    Args:
        words: those of the config's own labels file.
        additional: the result of `additional_words`.

    Returns:
        the dataset, and for each part of it (its words, its words in an epoch).

    Raises:
        UserError: see `open_dataset`.
    """
    own = train_subset(open_dataset(config, words, "train", tokenizer), config)
    if not _is_mixed(config):
        return own, [(len(own), len(own))]
    mixed_in = open_dataset(_additional(config), additional, "train", tokenizer)
    used = min(config.train.additional_data.words_per_epoch or len(mixed_in), len(mixed_in))
    return join_datasets([own, mixed_in]), [(len(own), len(own)), (len(mixed_in), used)]


def train_subset(dataset: Dataset, config: Config) -> Dataset:
    """The part of the training words that `train.train_on_subset` asks for, without replacement."""
    subset = config.train.train_on_subset
    if not subset.enabled:
        return dataset
    number = max(1, round(len(dataset) * subset.dataset_fraction))
    rng = np.random.default_rng(subset.random_seed)
    return dataset.select(np.sort(rng.permutation(len(dataset))[:number]))


def _is_mixed(config: Config) -> bool:
    return config.train.additional_data.labels_file is not None


def _additional(config: Config) -> Config:
    """The config as it would be for the additional dataset alone."""
    data = config.train.additional_data
    places = {"images_folder": data.images_folder, "labels_file": data.labels_file}
    return config.model_copy(update={**places, "synthetic": data.synthetic})

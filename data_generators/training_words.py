"""The words that an epoch of training consists of: all or some of the config's, and what is mixed in."""

from pathlib import Path

import numpy as np

from data_generators.dataset import Dataset, join_datasets, open_dataset, read_dataset_labels
from data_generators.packed_store import PackedStore, open_packed
from preprocessing.labels import LabelsFile, Word
from preprocessing.tokenizer import Tokenizer
from utils.config.schema import Config
from utils.errors import UserError


def training_words(config: Config, labels: LabelsFile) -> tuple[list[Word], list[Word]]:
    """The training words of the config's labels file, and those of `train.additional_data`, if any.

    For a packed dataset, whose words are too many to list, a word for each character of its labels.
    """
    if config.train.packed.folder:
        store = open_packed(Path(config.train.packed.folder), config.for_training_words.image)
        return [Word("", char) for char in store.charset], []
    return labels.splits["train"], additional_words(config)


def additional_words(config: Config) -> list[Word]:
    """The training words of `train.additional_data`, none if it names no dataset."""
    return read_dataset_labels(_additional(config)).splits["train"] if _is_mixed(config) else []


def open_training_words(
    config: Config, words: list[Word], additional: list[Word], tokenizer: Tokenizer
) -> tuple[Dataset | PackedStore, list[tuple[int, int]]]:
    """Opens the images of all training words, or the packed dataset that the config names.

    Args:
        words: those of the config's own labels file.
        additional: the result of `additional_words`.

    Returns:
        the dataset, and for each part of it (its words, its words in an epoch).

    Raises:
        UserError: see `open_dataset`.
    """
    config = config.for_training_words
    if config.train.packed.folder:
        store = open_packed(Path(config.train.packed.folder), config.image)
        _check_labels(store, tokenizer, config)
        return store, [(store.words, store.words)]
    own = train_subset(open_dataset(config, words, "train", tokenizer), config)
    if not _is_mixed(config):
        return own, [(len(own), len(own))]
    mixed_in = open_dataset(_additional(config), additional, "train", tokenizer)
    used = min(config.train.additional_data.words_per_epoch or len(mixed_in), len(mixed_in))
    return join_datasets([own, mixed_in]), [(len(own), len(own)), (len(mixed_in), used)]


def _check_labels(store: PackedStore, tokenizer: Tokenizer, config: Config) -> None:
    """Raises UserError if the network can't be taught all labels of the packed dataset."""
    way_out = f"or pack {store.folder} anew with this config, which leaves such words out"
    if unknown := "".join(sorted(set(store.charset) - set(tokenizer.charset))):
        advice = f"add them to network.charset, {way_out}"
        if config.network.charset is None:
            advice = "set train.weights_initialization.add_characters=true, or pack words without them"
        raise UserError(
            f"{store.folder} has labels with characters outside the charset ({unknown!r}); {advice}."
        )
    if store.longest >= config.network.max_seq_length:
        raise UserError(
            f"{store.folder} has labels of {store.longest} characters; set network.max_seq_length to "
            f"{store.longest + 1}, {way_out}."
        )


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

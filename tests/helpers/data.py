"""Datasets, as a config describes them or made of numbers, and generators for them."""

import numpy as np

from data_generators.collator import Collator
from data_generators.data_generator import DataGenerator
from data_generators.dataset import Dataset, DatasetOptions, open_dataset
from data_generators.source import DataSource
from models.model_spec import ModelSpec
from preprocessing.labels import Word
from preprocessing.tokenizer import Tokenizer
from tests.helpers.tiny import PLAIN
from utils.config.load import validate_config
from utils.config.schema import Config
from utils.config.section import merged

HEIGHT = 16
CHARSET = "abcdefgh"
TOKENIZER = Tokenizer(CHARSET)


def spec_of(config: Config, tokenizer: Tokenizer = TOKENIZER) -> ModelSpec:
    return ModelSpec(config.image, config.network, tokenizer)


def open_words(config: Config, words: list[Word], split: str, tokenizer: Tokenizer | None = None) -> Dataset:
    """Words of the config's dataset; with a tokenizer only those that training can use."""
    trained_by = spec_of(config, tokenizer) if tokenizer else None
    options = DatasetOptions.of(config)
    return open_dataset(DataSource.of(config), words, split, config.image, options, trained_by)


def open_split(config: Config, split: str) -> Dataset:
    return open_words(config, DataSource.of(config).read_labels().splits[split], split)


class NumberedImages:
    """A store without files: every pixel of image i is i, so images tell who they are."""

    def __init__(self, widths: np.ndarray, channels: int) -> None:
        self.widths = widths
        self.channels = channels

    def __len__(self) -> int:
        return len(self.widths)

    def __getitem__(self, index: int) -> np.ndarray:
        shape = (HEIGHT, self.widths[index], self.channels)[: 2 if self.channels == 1 else 3]
        return np.full(shape, index, np.uint8)


def make_config(**sections) -> Config:
    """The config of a small network, without distortions of the image unless `sections` ask for them."""
    values = {
        "image": {"image_size": {"y_size": HEIGHT, "x_size": 64}, "fixed_width": False},
        "train": {"batch_size": 8},
        "network": {"num_filters": [4], "conv_kernels": [[3, 3]], "pooling": [[4, 4]], "columns": "height"},
        "data_aug": {"rotation_range": 4, "zoom_range": [0.8, 1.2], "noise_range": 30},
    }
    values["network"] |= {"max_seq_length": 9, "fixed_seq_length": False}
    for name, keys in sections.items():
        values[name] = {**values.get(name, {}), **keys} if isinstance(keys, dict) else keys
    return validate_config(merged(PLAIN, values), "test")


def make_dataset(number=50, channels=1, labels=None) -> Dataset:
    """Words with random labels of 1 to 8 letters, on numbered images."""
    rng = np.random.default_rng(7)
    labels = labels or ["".join(rng.choice(list(CHARSET), rng.integers(1, 9))) for _ in range(number)]
    store = NumberedImages(rng.integers(8, 65, len(labels)), channels)
    words = [Word(f"{index}.png", label) for index, label in enumerate(labels)]
    return Dataset(words, store, np.arange(len(labels)))


def make_generator(dataset=None, augmented=False, shuffle=True, buckets=None, shard=None, **sections):
    """A generator of batches of `make_dataset`'s words."""
    config = make_config(**sections)
    aug = config.data_aug if augmented else None
    collator = Collator(spec_of(config), aug, buckets, shard or (0, 1))
    return DataGenerator(
        dataset or make_dataset(),
        collator,
        config.train.batch_size,
        config.seed,
        shuffle,
        pads_batches=shard is not None,
    )

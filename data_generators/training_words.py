"""The words that an epoch of training consists of: all or some of the config's, and what is mixed in."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_generators.dataset import Dataset, DatasetOptions, characters_of, join_datasets, open_dataset
from data_generators.image_store import ImageStore
from data_generators.packed import open_packed, packed_dataset
from data_generators.source import DataSource
from models.model_spec import ModelSpec
from preprocessing.labels import LabelsFile, Word
from utils.config.data_aug import DataAugConfig
from utils.config.image import ImageConfig
from utils.config.schema import Config
from utils.config.train import TrainOnSubsetConfig

# (words, words in an epoch) of each part of the training words.
Shares = list[tuple[int, int]]


def training_image(image: ImageConfig, aug: DataAugConfig) -> ImageConfig:
    """The geometry in which training words are opened, without the effects that augmentation has anyway.

    Geometric augmentation leaves margins, and resampling softens edges as `image.blur` does.
    """
    if aug.use_data_aug and aug.moves_ink:
        return image.model_copy(update={"margin": 0, "blur": 0.0})
    if aug.use_data_aug and aug.blur_range:
        return image.model_copy(update={"blur": 0.0})
    return image


@dataclass(frozen=True)
class TrainingWords:
    """The training words of a config before their images are opened.

    Attributes:
        image: geometry of the training images.
        own, additional: words of the config's dataset, and of `train.additional_data`.
        packed: the packed dataset that takes the place of both; None if the config names none.
    """

    config: Config
    image: ImageConfig
    own: list[Word]
    additional: list[Word]
    packed: ImageStore | None

    @classmethod
    def read(cls, config: Config, labels: LabelsFile) -> "TrainingWords":
        """Reads the labels files, or opens the packed dataset.

        Args:
            labels: the config's own labels file.

        Raises:
            UserError: a labels file or the packed dataset can't be read.
        """
        image = training_image(config.image, config.data_aug)
        if config.train.packed.folder:
            return cls(config, image, [], [], open_packed(Path(config.train.packed.folder), image))
        source = DataSource.additional(config)
        additional = source.read_labels().splits["train"] if source else []
        return cls(config, image, labels.splits["train"], additional, None)

    @property
    def characters(self) -> set[str]:
        """The characters of the labels."""
        if self.packed:
            return set(self.packed.about["charset"])
        return characters_of([*self.own, *self.additional])

    def open(self, spec: ModelSpec) -> tuple[Dataset, Shares]:
        """Opens the images for the network that is to learn them.

        Raises:
            UserError: see `open_dataset`; or the network can't learn the labels of the packed dataset.
        """
        config, options = self.config, DatasetOptions.of(self.config)
        if self.packed:
            words = packed_dataset(Path(str(config.train.packed.folder)), self.packed, spec)
            return words, [(len(words), len(words))]
        own = open_dataset(DataSource.of(config), self.own, "train", self.image, options, spec)
        own = train_subset(own, config.train.train_on_subset)
        source = DataSource.additional(config)
        if source is None:
            return own, [(len(own), len(own))]
        mixed_in = open_dataset(source, self.additional, "train", self.image, options, spec)
        used = min(config.train.additional_data.words_per_epoch or len(mixed_in), len(mixed_in))
        return join_datasets([own, mixed_in]), [(len(own), len(own)), (len(mixed_in), used)]


def train_subset(dataset: Dataset, subset: TrainOnSubsetConfig) -> Dataset:
    """The random part of the training words that `train.train_on_subset` asks for, without replacement."""
    if not subset.enabled:
        return dataset
    number = max(1, round(len(dataset) * subset.dataset_fraction))
    rng = np.random.default_rng(subset.random_seed)
    return dataset.select(np.sort(rng.permutation(len(dataset))[:number]))

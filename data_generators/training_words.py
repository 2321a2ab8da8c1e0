"""The words of a training epoch: the config's own, those of additional datasets, and damaged copies of both."""

import math
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
from utils.config.train import TrainConfig, TrainOnSubsetConfig
from utils.log import log

# (words, words in an epoch) of each part of the training words.
Shares = list[tuple[int, int]]


def training_image(image: ImageConfig, aug: DataAugConfig) -> ImageConfig:
    """Returns the geometry of training images, without the effects that augmentation has anyway.

    Geometric augmentation leaves margins, and resampling softens edges as `image.blur` does.
    """
    if aug.use_data_aug and aug.moves_ink:
        return image.model_copy(update={"margin": 0, "blur": 0.0})
    if aug.use_data_aug and aug.blur_range:
        return image.model_copy(update={"blur": 0.0})
    return image


@dataclass(frozen=True)
class TrainingPart:
    """Training words of one labels file, how many an epoch takes (0: all), and how many damaged ones for each."""

    source: DataSource
    words: list[Word]
    words_per_epoch: int
    damaged_share: float = 1.0


@dataclass(frozen=True)
class TrainingWords:
    """Training words whose images are not opened yet.

    Attributes:
        parts: of the config's own dataset, and of those of `train.additional_data`.
        packed: the packed dataset that replaces them; None if the config names none.
        image: geometry of the training images.
        damaged_copies: of each image, see `DataAugConfig`.
    """

    parts: list[TrainingPart]
    packed: ImageStore | None
    image: ImageConfig
    damaged_copies: int
    train: TrainConfig
    options: DatasetOptions

    @classmethod
    def read(cls, config: Config, labels: LabelsFile) -> "TrainingWords":
        """Reads the labels files, or opens the packed dataset; `labels` are the config's own.

        Raises UserError if a labels file or the packed dataset can't be read.
        """
        image, options = training_image(config.image, config.data_aug), DatasetOptions.of(config)
        copies = config.data_aug.copies
        if config.train.packed.folder:
            if copies:
                log("data_aug.damaged_copies has no effect on a packed dataset, which holds its words as they are.")
            packed = open_packed(Path(config.train.packed.folder), image)
            return cls([], packed, image, 0, config.train, options)
        parts = [TrainingPart(DataSource.of(config), labels.splits["train"], config.train.words_per_epoch)]
        for data in config.train.additional_data.values():
            source = DataSource.of(data)
            words = source.read_labels().splits["train"]
            parts.append(TrainingPart(source, words, data.words_per_epoch, data.damaged_share))
        return cls(parts, None, image, copies, config.train, options)

    @property
    def characters(self) -> set[str]:
        """The characters of the labels."""
        if self.packed:
            return set(self.packed.about["charset"])
        return characters_of(word for part in self.parts for word in part.words)

    def open(self, spec: ModelSpec) -> tuple[Dataset, Shares]:
        """Opens the images for the network to be trained; raises as `open_dataset` and `packed_dataset`."""
        if self.packed:
            dataset = packed_dataset(Path(str(self.train.packed.folder)), self.packed, spec)
            return dataset, [_share(len(dataset), self.train.words_per_epoch)]
        datasets: list[Dataset] = []
        shares: Shares = []
        for part in self.parts:
            versions = [
                open_dataset(part.source, part.words, "train", self.image, self.options, spec, copy)
                for copy in range(1 + (self.damaged_copies if part.damaged_share else 0))
            ]
            if not datasets:
                versions = [train_subset(version, self.train.train_on_subset) for version in versions]
            datasets += versions
            shares.append(_share(len(versions[0]), part.words_per_epoch))
            if damaged := sum(map(len, versions[1:])):
                shares.append((damaged, min(math.ceil(part.damaged_share * shares[-1][1]), damaged)))
        return join_datasets(datasets) if len(datasets) > 1 else datasets[0], shares


def _share(words: int, limit: int) -> tuple[int, int]:
    """Returns the words of a part, and how many of them an epoch takes: `limit` at most, all if it is 0."""
    return words, min(limit or words, words)


def train_subset(dataset: Dataset, subset: TrainOnSubsetConfig) -> Dataset:
    """Returns the random part of the words that `train.train_on_subset` sets, without replacement."""
    if not subset.enabled:
        return dataset
    number = max(1, round(len(dataset) * subset.dataset_fraction))
    rng = np.random.default_rng(subset.random_seed)
    return dataset.select(np.sort(rng.permutation(len(dataset))[:number]))

"""The words of a training epoch: all or some of the config's own, and those of a second dataset."""

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
class TrainingWords:
    """Training words whose images are not opened yet.

    Attributes:
        parts: one or two datasets with their words: the config's own, and `train.additional_data`.
        packed: the packed dataset that replaces both; None if the config names none.
        image: geometry of the training images.
    """

    parts: list[tuple[DataSource, list[Word]]]
    packed: ImageStore | None
    image: ImageConfig
    train: TrainConfig
    options: DatasetOptions

    @classmethod
    def read(cls, config: Config, labels: LabelsFile) -> "TrainingWords":
        """Reads the labels files, or opens the packed dataset; `labels` are the config's own.

        Raises UserError if a labels file or the packed dataset can't be read.
        """
        image, options = training_image(config.image, config.data_aug), DatasetOptions.of(config)
        if config.train.packed.folder:
            packed = open_packed(Path(config.train.packed.folder), image)
            return cls([], packed, image, config.train, options)
        parts = [(DataSource.of(config), labels.splits["train"])]
        if second := DataSource.additional(config):
            parts.append((second, second.read_labels().splits["train"]))
        return cls(parts, None, image, config.train, options)

    @property
    def characters(self) -> set[str]:
        """The characters of the labels."""
        if self.packed:
            return set(self.packed.about["charset"])
        return characters_of(word for _, words in self.parts for word in words)

    def open(self, spec: ModelSpec) -> tuple[Dataset, Shares]:
        """Opens the images for the network to be trained; raises as `open_dataset` and `packed_dataset`."""
        if self.packed:
            dataset = packed_dataset(Path(str(self.train.packed.folder)), self.packed, spec)
            return dataset, [(len(dataset), len(dataset))]
        own, *second = (open_dataset(*part, "train", self.image, self.options, spec) for part in self.parts)
        own = train_subset(own, self.train.train_on_subset)
        shares = [(len(own), len(own))]
        if not second:
            return own, shares
        size = len(second[0])
        used = min(self.train.additional_data.words_per_epoch or size, size)
        return join_datasets([own, *second]), [*shares, (size, used)]


def train_subset(dataset: Dataset, subset: TrainOnSubsetConfig) -> Dataset:
    """Returns the random part of the words that `train.train_on_subset` sets, without replacement."""
    if not subset.enabled:
        return dataset
    number = max(1, round(len(dataset) * subset.dataset_fraction))
    rng = np.random.default_rng(subset.random_seed)
    return dataset.select(np.sort(rng.permutation(len(dataset))[:number]))

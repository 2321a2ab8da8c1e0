"""Opens labelled images as words that can be trained on or evaluated."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_generators.image_cache import open_cache
from data_generators.image_store import ImageStore, JoinedStore
from data_generators.source import DataSource
from models.model_spec import ModelSpec
from preprocessing.labels import Word
from utils.config.image import ImageConfig
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log

# What to do about a split without words.
NO_WORDS = {
    "train": "write it again with tools.create_labels, and leave most words for train",
    "val": "training needs some, such as a tenth of the training words: move them there, or write the file again with "
    "tools.create_labels",
    "test": "move some words there that are not trained on, or read image files with --predict",
}


@dataclass(frozen=True)
class Dataset:
    """Words with readable images: `words[i]` is the label of `store[indices[i]]`."""

    words: Sequence[Word]
    store: ImageStore | JoinedStore
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.words)

    @property
    def widths(self) -> np.ndarray:
        """int32 (n,): width of each word image in pixels."""
        return self.store.widths[self.indices]

    def image(self, position: int) -> np.ndarray:
        """Returns the uint8 word image of the word at `position`."""
        return self.store[self.indices[position]]

    def select(self, positions: np.ndarray) -> "Dataset":
        """Returns the dataset of some of its words, in the given order."""
        return Dataset([self.words[i] for i in positions], self.store, self.indices[positions])

    def shard(self, index: int, number: int) -> "Dataset":
        """Returns every `number`-th word from the `index`-th on; raises UserError if there are fewer words."""
        if number == 1:
            return self
        if len(self) < number:
            raise UserError(f"{len(self)} validation words are too few for {number} processes.")
        return self.select(np.arange(index, len(self), number))


def join_datasets(parts: Sequence[Dataset]) -> Dataset:
    """Returns all words of all parts, in their order."""
    store = JoinedStore([part.store for part in parts])
    indices = [start + part.indices for start, part in zip(store.starts, parts)]
    return Dataset([word for part in parts for word in part.words], store, np.concatenate(indices))


@dataclass(frozen=True)
class DatasetOptions:
    """The folder of decoded images, and the share of unusable words, 0 to 1, above which a dataset is refused."""

    cache: Path
    max_unusable_share: float

    @classmethod
    def of(cls, config: Config) -> "DatasetOptions":
        """Returns the options of a config."""
        return cls(Path(config.cache_folder), config.train.max_unusable_share)


def open_dataset(
    source: DataSource,
    words: Sequence[Word],
    split: str,
    image: ImageConfig,
    options: DatasetOptions,
    trained_by: ModelSpec | None = None,
    copy: int = 0,
) -> Dataset:
    """Opens the images of `words`, leaves out those that can't be used, and logs their number by reason.

    Args:
        split: train, val or test; for messages and for the name of the cache.
        image: geometry of the images.
        trained_by: for training, the network, which can't learn labels that are too long or outside its charset.
            Without it (evaluation) such words stay in and count as errors.
        copy: number of a damaged copy of the images; 0: the images themselves.

    Raises:
        UserError: no usable word, or too many unusable ones.
    """
    if not source.images.path.is_dir():
        raise UserError(f"images_folder {source.images.path} does not exist; set it to the folder of the word images.")
    filenames = [word.filename for word in words]
    owner = str(source.labels.resolve())
    store = open_cache(source.images, filenames, image, options.cache, split, owner, copy)
    problems = [store.problems.get(i) or label_problem(word.label, trained_by) for i, word in enumerate(words)]
    usable = [i for i, problem in enumerate(problems) if problem is None]
    if not copy:  # A damaged copy lacks the same words.
        report_unusable(Counter(filter(None, problems)), len(words), split, source, options)
    return Dataset([words[i] for i in usable], store, np.array(usable, dtype=np.int64))


def open_split(config: Config, split: str, image: ImageConfig) -> Dataset:
    """Opens a split of the config's dataset for evaluation; `image` is the model's geometry, not the config's."""
    source, options = DataSource.of(config), DatasetOptions.of(config)
    return open_dataset(source, source.read_labels().splits[split], split, image, options)


def with_trainable_labels(dataset: Dataset, spec: ModelSpec) -> Dataset:
    """Returns the words whose labels the network can learn, for a loss on an evaluation set; UserError without any."""
    positions = [i for i, word in enumerate(dataset.words) if not label_problem(word.label, spec)]
    if not positions:
        raise UserError(
            "No validation label fits the charset and network.max_seq_length; check that train and val of "
            "labels_file are of one kind."
        )
    if len(positions) < len(dataset):
        log(f"{len(dataset) - len(positions)} validation labels can't be learned; val_loss leaves them out.")
    return dataset.select(np.array(positions))


def label_problem(label: str, trained_by: ModelSpec | None) -> str | None:
    """Returns why a label is unusable, for training if a network is given; None if it is usable."""
    if not label.strip():
        return "empty label"
    if trained_by is None:
        return None
    image = trained_by.image
    if len(label) >= trained_by.network.max_seq_length:
        return "label too long for network.max_seq_length"
    if set(label) - set(trained_by.tokenizer.charset):
        return "label has characters outside the charset"
    # An image without a fixed width is widened instead.
    if image.fixed_width and trained_by.min_width(label) > image.image_size.x_size:
        return "label needs more columns than image.image_size.x_size has"
    return None


def report_unusable(reasons: Counter[str], total: int, split: str, source: DataSource, options: DatasetOptions) -> None:
    """Logs how many words are left out, by reason; UserError if none is left or more than `max_unusable_share` are."""
    unusable = sum(reasons.values())
    counted = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    if not total:
        raise UserError(f"{source.labels} has no usable word in its {split} split; {NO_WORDS[split]}.")
    if unusable == total:
        raise UserError(f"{source.labels} has no usable word in its {split} split ({counted}).")
    message = f"{unusable} of {total} {split} words are unusable: {counted}"
    if unusable / total > options.max_unusable_share:
        raise UserError(
            f"{message}; that is more than train.max_unusable_share ({100 * options.max_unusable_share:g} %): check "
            f"images_folder {source.images.path} and labels_file {source.labels}, or raise the limit."
        )
    if unusable:
        log(f"{source.labels}: {message}; they are left out.")


def characters_of(words: Iterable[Word]) -> set[str]:
    """Returns the characters of all labels that are more than white space."""
    return set().union(*(word.label for word in words if word.label.strip()))

"""From a labels file to the words that can be trained on or evaluated."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_generators.image_cache import ImageStore, JoinedStore, open_store
from models.geometry import ctc_columns
from preprocessing.labels import LabelsFile, Word, read_labels
from preprocessing.tokenizer import Tokenizer
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log


@dataclass(frozen=True)
class Dataset:
    """Words with readable images: `words[i]` is the label of `store[indices[i]]`."""

    words: list[Word]
    store: ImageStore | JoinedStore
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.words)

    @property
    def widths(self) -> np.ndarray:
        """int64 (n,): width of each word image in pixels."""
        return self.store.widths[self.indices]

    def image(self, position: int) -> np.ndarray:
        """uint8 word image of the word at `position`."""
        return self.store[self.indices[position]]

    def select(self, positions: np.ndarray) -> "Dataset":
        """The dataset of some of its words, in the given order."""
        return Dataset([self.words[i] for i in positions], self.store, self.indices[positions])


def join_datasets(parts: list[Dataset]) -> Dataset:
    """All words of all parts, in their order."""
    starts = np.cumsum([0] + [len(part.store) for part in parts[:-1]])
    return Dataset(
        [word for part in parts for word in part.words],
        JoinedStore([part.store for part in parts]),
        np.concatenate([start + part.indices for start, part in zip(starts, parts)]),
    )


def read_dataset_labels(config: Config) -> LabelsFile:
    """Reads the labels file, first making the embedded dataset if it is asked for and missing."""
    labels_file = Path(config.labels_file)
    if config.synthetic.enabled and not labels_file.exists():
        _make_embedded_dataset(config)
    labels = read_labels(labels_file)
    for note in labels.notes:
        log(note)
    return labels


def open_dataset(
    config: Config, words: list[Word], split: str, tokenizer: Tokenizer | None = None, purpose: str = ""
) -> Dataset:
    """Opens the images of `words`; leaves out, and counts by reason, those that can't be used.

    A word with an empty label is none.

    Args:
        split: train, val or test, for messages.
        tokenizer: given for training, which can't learn from labels that are too long or
            outside the charset; without it (evaluation) such words stay in and count as errors.
        purpose: what words other than the whole split are for; their cache is another one.

    Raises:
        UserError: no usable word, or more than `train.max_unusable_share` are unusable.
    """
    folder = Path(config.images_folder)
    if not folder.is_dir():
        raise UserError(
            f"images_folder {folder} does not exist; set images_folder to the folder of the word images."
        )
    filenames = [word.filename for word in words]
    owner = f"{Path(config.labels_file).resolve()}{purpose}"
    store = open_store(folder, filenames, config.image, Path(config.cache_folder), split, owner)
    reasons: Counter[str] = Counter()
    usable = []
    for index, word in enumerate(words):
        problem = store.problems.get(index) or label_problem(word.label, tokenizer, config)
        if problem:
            reasons[problem] += 1
        else:
            usable.append(index)
    report_unusable(reasons, len(words), split, config)
    return Dataset([words[i] for i in usable], store, np.array(usable, dtype=np.int64))


def with_trainable_labels(dataset: Dataset, tokenizer: Tokenizer, config: Config) -> Dataset:
    """The words whose labels the network can be taught, for a loss on an evaluation set.

    Raises:
        UserError: there is none.
    """
    positions = [
        i for i, word in enumerate(dataset.words) if not label_problem(word.label, tokenizer, config)
    ]
    if not positions:
        raise UserError(
            f"No validation label in {config.labels_file} fits the charset and "
            "network.max_seq_length; check that train and val are of one kind."
        )
    if len(positions) < len(dataset):
        log(f"{len(dataset) - len(positions)} validation labels can't be learned; val_loss leaves them out.")
    return dataset.select(np.array(positions))


def label_problem(label: str, tokenizer: Tokenizer | None, config: Config) -> str | None:
    """Why a label can't be used, for training if there is a tokenizer; None if it can."""
    if not label.strip():
        return "empty label"
    if tokenizer is None:
        return None
    if len(label) >= config.network.max_seq_length:
        return "label too long for network.max_seq_length"
    if set(label) - set(tokenizer.charset):
        return "label has characters outside the charset"
    width = ctc_columns(label) * config.network.column_stride if config.network.ctc_weight else 0
    # An image without a fixed width is widened to that.
    if config.image.fixed_width and width > config.image.image_size.x_size:
        return "label needs more columns than image.image_size.x_size has"
    return None


def report_unusable(reasons: Counter[str], total: int, split: str, config: Config) -> None:
    """Counts, by reason, the words that are left out.

    Raises:
        UserError: no word is left, or more than `train.max_unusable_share` are not.
    """
    unusable = sum(reasons.values())
    if not total or unusable == total:
        why = f" ({_counted(reasons)})" if reasons else ""
        raise UserError(f"{config.labels_file} has no usable word in its {split} split{why}.")
    if not unusable:
        return
    message = f"{unusable} of {total} {split} words are unusable: {_counted(reasons)}"
    if unusable / total > config.train.max_unusable_share:
        raise UserError(
            f"{message}; that is more than train.max_unusable_share "
            f"({100 * config.train.max_unusable_share:g} %): "
            f"check images_folder {config.images_folder} and "
            f"labels_file {config.labels_file}, or raise the limit."
        )
    log(f"{message}; they are left out.")


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


def _make_embedded_dataset(config: Config) -> None:
    from data_generators.synthetic.dataset import (
        create_synthetic,  # needed once; prediction shouldn't wait for it
    )

    labels_file, images = Path(config.labels_file), Path(config.images_folder)
    if images.resolve() != labels_file.parent.resolve() / "words":
        raise UserError(
            f"Labels file {labels_file} does not exist, and the embedded dataset can only be made "
            "where images_folder is the folder `words` beside labels_file; set both, or make the labels file."
        )
    train = config.synthetic.num_words
    sizes = {"train": train, "val": max(10, train // 10), "test": max(10, train // 10)}
    total = sum(sizes.values())
    log(f"Making the embedded dataset in {labels_file.parent}: {total} words from bundled fonts.")
    settings = config.synthetic
    create_synthetic(
        labels_file.parent,
        sizes,
        settings.seed,
        beyond_dictionary=settings.beyond_dictionary,
        text=settings.text,
        keep=True,
    )

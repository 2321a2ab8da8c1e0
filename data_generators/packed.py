"""Packed datasets: training words in one store, for more words than memory or a file system can hold."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from data_generators.dataset import Dataset
from data_generators.image_store import ImageStore, Row, StoredWords, is_store, open_store, write_store
from models.model_spec import ModelSpec
from utils.config.image import ImageConfig
from utils.errors import UserError

NAME = "words"
# Settings of `image` that are others in training (`training_words.training_image`), for messages about them.
FOLLOWING, TRAINING_VALUE = ("margin", "blur"), " (0 with data_aug.use_data_aug, else the config's value)"


def open_packed(folder: Path, image: ImageConfig) -> ImageStore:
    """Opens a packed dataset; raises UserError if it is not complete, or if its images have another geometry."""
    store = open_store(folder / NAME)
    if store is None or not {"charset", "longest"} <= store.about.keys():
        raise UserError(f"{folder} is no complete packed dataset of this version; create it with tools.pack_dataset.")
    packed = store.image.geometry()
    for name, value in image.geometry().items():
        if packed[name] != value:
            note = TRAINING_VALUE if name in FOLLOWING else ""
            raise UserError(
                f"{folder} was packed with image.{name} {packed[name]}, but this training "
                f"needs {value}{note}; set it, or pack the dataset again with this config."
            )
    return store


def packed_dataset(folder: Path, store: ImageStore, spec: ModelSpec) -> Dataset:
    """Returns the words of a packed dataset; raises UserError if the network can't learn all of their labels."""
    way_out = f"or pack {folder} again with this config, which leaves such words out"
    if unknown := "".join(sorted(set(store.about["charset"]) - set(spec.tokenizer.charset))):
        raise UserError(
            f"{folder} has labels with characters outside the charset ({unknown!r}); add them to network.charset "
            f"(train.weights_initialization.add_characters=true where it is null), {way_out}."
        )
    if (most := store.about["longest"]) >= spec.network.max_seq_length:
        raise UserError(f"{folder} has labels of {most} characters; set network.max_seq_length={most + 1}, {way_out}.")
    return Dataset(StoredWords(store), store, np.arange(len(store), dtype=np.int32))


def write_packed(folder: Path, rows: Iterable[Row], image: ImageConfig) -> int:
    """Writes labels and images, consumed one by one, as a packed dataset and returns their number.

    Raises UserError if the folder can't be written or has another file of the name, or there are no words.
    """
    description = folder / f"{NAME}.json"
    if description.exists() and not is_store(description):
        raise UserError(f"{description} is of no packed dataset; name another folder with --output.")
    about: dict[str, Any] = {"charset": "", "longest": 0}

    def noted() -> Iterable[Row]:
        characters: set[str] = set()
        for label, content in rows:
            characters.update(label)
            about["longest"] = max(about["longest"], len(label))
            yield label, content
        about["charset"] = "".join(sorted(characters))
        if not about["longest"]:
            raise UserError("There is no usable word to pack.")

    return write_store(folder / NAME, noted(), image, about)

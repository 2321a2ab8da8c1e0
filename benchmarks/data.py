"""The words that are measured on: given ones, or the embedded dataset made for the purpose."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

from data_generators.synthetic.dataset import create_synthetic
from preprocessing.labels import Word, read_labels, write_labels


@dataclass(frozen=True)
class Data:
    """Training words with images, and a folder for what is made of them."""

    images: Path
    words: list[Word]
    folder: Path

    def overrides(self, number: int) -> list[str]:
        """`KEY.PATH=VALUE` for the first `number` words, to train on, to read and, a few, to validate on."""
        chosen = self.words[:number]
        labels = self.folder / f"labels-{number}.json"
        write_labels(labels, {"train": chosen, "val": chosen[:256], "test": chosen})
        values = {
            "images_folder": self.images,
            "labels_file": labels,
            "cache_folder": self.folder / "cache",
            "experiment_folder": self.folder / "experiment",
            "synthetic.enabled": False,
        }
        return [f"{key}={json.dumps(value, default=str)}" for key, value in values.items()]

    def files(self, number: int) -> list[Path]:
        """Paths of the first `number` images."""
        return [self.images / word.filename for word in self.words[:number]]


def make_data(folder: Path, number: int, images: str | None, labels: str | None) -> Data:
    """`number` training words of a labels file, at random, or of an embedded dataset made in `folder`.

    Raises:
        UserError: the labels file can't be read, or the folder can't be written.
    """
    if images is None or labels is None:
        images, sizes = folder / "data" / "words", {"train": number, "val": 10, "test": 10}
        labels = create_synthetic(folder / "data", sizes, seed=1)
    words = read_labels(labels).splits["train"]
    random.Random(1).shuffle(words)
    return Data(Path(images).resolve(), words[:number], folder)

"""The words and models that are measured, and for how long."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.process import work
from data_generators.synthetic.dataset import create_synthetic
from preprocessing.labels import Word, read_labels, write_labels
from utils.config.synthetic import SyntheticConfig
from utils.errors import UserError

SEED, COMPACT, BEST = "configs/seed.yml", "configs/iam_fast.yml", "configs/iam.yml"


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        folder: for temporary files.
        images, labelled: folder of the training words and their entries of the labels file.
        models: a trained model's folder with ONNX files for each of COMPACT and BEST.
        words: to train on and to read.
        seconds, repeats: of each training, and how often everything is measured.
        overrides: of the configs that train.
        packed_words: sizes of the packed datasets, the smallest first.
    """

    folder: Path
    images: Path
    labelled: list[Word]
    models: dict[str, Path]
    words: int
    seconds: float
    repeats: int
    packed_words: tuple[int, ...]
    overrides: tuple[str, ...] = ()

    def data(self, number: int) -> list[str]:
        """`KEY.PATH=VALUE` for the first `number` words: all train and test, at most 256 validate."""
        chosen = self.labelled[:number]
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

    def task(self, name: str, config: str, words: int, *overrides: str) -> Callable[[], dict[str, float]]:
        """Returns the measurement `module.function` on some of the words."""
        return partial(work, name, config, [*self.data(words), *self.overrides, *overrides], self.seconds)

    def reader(self, model: str, runtime: str) -> list[str]:
        """`KEY.PATH=VALUE` to read with one of `models` on a runtime."""
        return [f"predict.weights_file={self.models[model]}", f"predict.runtime={runtime}"]


def find_words(folder: Path, number: int, images: str | None, labels: str | None) -> tuple[Path, list[Word]]:
    """Images folder and entries of random training words of a labels file, or of a dataset made for it.

    Raises UserError if the labels file has no training words.
    """
    if images is None or labels is None:
        images, sizes = str(folder / "data" / "words"), {"train": number, "val": 10, "test": 10}
        labels = str(create_synthetic(folder / "data", sizes, SyntheticConfig()))
    words = read_labels(labels).splits["train"]
    if not words:
        raise UserError(f"{labels} has no words in train, which are measured; name another file with --labels.")
    random.Random(1).shuffle(words)
    return Path(images).resolve(), words[:number]

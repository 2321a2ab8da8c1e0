"""Writes a dataset of pictures that a command makes, and logs what was left out."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from preprocessing.labels import LABELS_FILE, SPLITS, Word, write_labels
from utils.errors import UserError
from utils.files import check_absent
from utils.log import log


class DatasetWriter:
    """A dataset that is being made: pictures in `output`/`folder`, and labels.json beside it.

    Both get their names at the end; what an interrupted run has left is replaced. Raises UserError if there are labels
    or pictures already.
    """

    def __init__(self, output: Path, folder: str) -> None:
        self._labels, self._folder, self._making = output / LABELS_FILE, output / folder, output / f".{folder}.part"
        self._splits: dict[str, list[Word]] = {split: [] for split in SPLITS}
        self.left_out: Counter[str] = Counter()
        check_absent(self._labels)
        if self._folder.exists() and (not self._folder.is_dir() or any(self._folder.iterdir())):
            raise UserError(f"{self._folder} is in use already; name another folder with --output, or move it away.")
        shutil.rmtree(self._making, ignore_errors=True)

    def add(self, split: str, word: Word, pixels: np.ndarray) -> None:
        """Writes the picture of a word, uint8 (h, w) or (h, w, 3), under its file name."""
        self._making.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(self._making / word.filename)
        self._splits[split].append(word)

    def finish(self, things: str, none: str) -> None:
        """Logs the number of `things` left out, by reason, writes the labels, raises UserError(`none`) without any."""
        for reason, count in self.left_out.most_common():
            log(f"{count} {things} are left out: {reason}.")
        if not any(self._splits.values()):
            raise UserError(none)
        if self._folder.exists():
            self._folder.rmdir()
        self._making.rename(self._folder)
        write_labels(self._labels, self._splits)
        print(f"{self._labels}: " + ", ".join(f"{len(words)} {split}" for split, words in self._splits.items()))

"""Reads words with a trained network."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.base_predictor import BasePredictor, Prediction
from data_generators.dataset import Dataset
from models.artifact import load_artifact
from models.model_seq2seq import ModelSeq2Seq
from predictors.greedy import GreedyDecoder
from preprocessing.batch import pad_images
from preprocessing.word_image import UnusableImage, read_word_image
from utils.errors import UserError
from utils.log import progress_bar
from utils.memory import is_out_of_memory
from utils.tokenizer import END


class PredictorSeq2Seq(BasePredictor):
    """Greedy reading of files, or of a dataset's words, by the same path.

    Args:
        network: the network; its weights are used as they are at each call, so a predictor made
            during training follows it.
    """

    def __init__(self, network: ModelSeq2Seq, batch_size: int = 256) -> None:
        super().__init__(batch_size)
        self.network = network
        self.decoder = GreedyDecoder(network)

    @classmethod
    def from_folder(cls, folder: str | os.PathLike, batch_size: int = 256) -> "PredictorSeq2Seq":
        """Loads a model folder; raises UserError if it isn't a whole one."""
        network, _ = load_artifact(Path(folder))
        return cls(network, batch_size)

    def read_files(self, paths: list[Path]) -> Iterator[tuple[Path, Prediction | UnusableImage]]:
        """Reads image files, in their order; an unusable file yields its error and stops nothing."""
        # Files are sorted by width only within such a window: memory stays the same for any number.
        window = 8 * self.batch_size
        for start in range(0, len(paths), window):
            part = paths[start : start + window]
            yield from zip(part, self._read_window(part))

    def predict_dataset(self, dataset: Dataset, progress: bool = False) -> list[Prediction]:
        """Reads all words of a dataset, in its order."""
        results: dict[int, Prediction] = {}
        predictions = self.predict(dataset.widths, dataset.image)
        for index, prediction in progress_bar(
            predictions, desc="Reading", total=len(dataset), unit="word", disable=not progress, leave=False
        ):
            results[index] = prediction
        return [results[i] for i in range(len(dataset))]

    def predict_batch(self, images: list[np.ndarray]) -> list[Prediction]:
        try:
            image, width = pad_images(images, self.network.column_stride)
            ids, log_probability = self.decoder.predict_on_batch({"image": image, "width": width})
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise UserError(
                f"Out of memory reading {len(images)} words at once; "
                f"lower predict.batch_size to {max(1, len(images) // 2)} or less."
            ) from None
        predictions = []
        for row, scores in zip(ids, log_probability):
            text = self.network.tokenizer.decode(row)
            written = int((row > END).sum())
            probabilities = tuple(float(p) for p in np.exp(scores[:written]))
            predictions.append(Prediction(text, float(np.exp(scores.sum())), probabilities))
        return predictions

    def _read_window(self, paths: list[Path]) -> list[Prediction | UnusableImage]:
        results: list[Any] = [self._read(path) for path in paths]
        images = {i: image for i, image in enumerate(results) if isinstance(image, np.ndarray)}
        good = list(images)
        widths = np.array([image.shape[1] for image in images.values()])
        for index, prediction in self.predict(widths, lambda i: images[good[i]]):
            results[good[index]] = prediction
        return results

    def _read(self, path: Path) -> np.ndarray | UnusableImage:
        try:
            return read_word_image(path, self.network.image)
        except UnusableImage as error:
            return error

"""Reads words with a trained network."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from base.base_predictor import BasePredictor, Prediction
from data_generators.dataset import Dataset
from models.artifact import load_artifact
from models.model_seq2seq import ModelSeq2Seq
from predictors.beam import BeamDecoder
from predictors.greedy import GreedyDecoder
from predictors.lexicon import LexiconDecoder
from preprocessing.batch import pad_images
from preprocessing.word_image import UnusableImage, read_word_image
from utils.config_schema import Predict
from utils.tokenizer import END, PAD


class PredictorSeq2Seq(BasePredictor):
    """Reads files, or a dataset's words, by the same path.

    Args:
        network: the network; its weights are used as they are at each call, so a predictor made
            during training follows it.
        predict: decoder and its settings; None: greedy. `batch_size` is the argument's.

    Raises:
        UserError: the lexicon that `predict` names can't be read.
    """

    def __init__(self, network: ModelSeq2Seq, batch_size: int = 256, predict: Predict | None = None) -> None:
        super().__init__(batch_size)
        self.network = network
        self.decoder = make_decoder(network, predict or Predict())

    @classmethod
    def from_folder(cls, folder: str | os.PathLike, predict: Predict) -> "PredictorSeq2Seq":
        """Loads a model folder; raises UserError if it, or the lexicon, isn't a whole one."""
        network, _ = load_artifact(Path(folder))
        return cls(network, predict.batch_size, predict)

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
        for index, prediction in tqdm(
            predictions, "Reading", len(dataset), unit="word", disable=not progress, leave=False
        ):
            results[index] = prediction
        return [results[i] for i in range(len(dataset))]

    def predict_batch(self, images: list[np.ndarray]) -> list[Prediction]:
        image, width = pad_images(images, self.network.column_stride)
        ids, log_probability, *_ = self.decoder.predict_on_batch({"image": image, "width": width})
        if ids.ndim == 2:
            return [self._prediction(row, scores) for row, scores in zip(ids, log_probability)]
        return [self._best_of(rows, scores) for rows, scores in zip(ids, log_probability)]

    def _prediction(self, ids: np.ndarray, scores: np.ndarray) -> Prediction:
        """What ids (max_length,) with log probabilities (max_length,) say."""
        written = int((ids > END).sum())
        probabilities = tuple(float(p) for p in np.exp(scores[:written]))
        return Prediction(self.network.tokenizer.decode(ids), float(np.exp(scores.sum())), probabilities)

    def _best_of(self, ids: np.ndarray, scores: np.ndarray) -> Prediction:
        """The first of n readings (n, max_length), with all of them as alternatives if n > 1."""
        # A small vocabulary may not have as many texts; two ids may be one text in NFC.
        readings = [self._prediction(*pair) for pair in zip(ids, scores) if pair[0][0] != PAD]
        texts: dict[str, float] = {}
        for reading in readings:
            texts.setdefault(reading.text, reading.confidence)
        return replace(readings[0], alternatives=tuple(texts.items()) if len(ids) > 1 else ())

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


def make_decoder(network: ModelSeq2Seq, predict: Predict) -> GreedyDecoder | BeamDecoder | LexiconDecoder:
    """The decoder that the config asks for; raises UserError if its lexicon can't be read."""
    if predict.decoder == "greedy":
        return GreedyDecoder(network)
    if predict.decoder == "beam":
        width, penalty = predict.beam_width, predict.length_penalty
        return BeamDecoder(network, width, penalty, predict.n_best, predict.ctc_weight)
    return LexiconDecoder(network, predict)

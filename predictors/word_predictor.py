"""Reads files and datasets, independent of the runtime of the network."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from base.base_predictor import BasePredictor, Prediction
from data_generators.dataset import Dataset
from models.calibration import Calibration
from models.model_spec import ModelSpec
from predictors.test_time_augmentation import augmented_views, vote
from predictors.turning import for_length, sureness, turn_upside_down
from preprocessing.batch import pad_images
from preprocessing.image_file import UnusableImage, decode
from preprocessing.ink import PAPER
from preprocessing.tokenizer import END, PAD
from preprocessing.whole_page import seems_page
from preprocessing.word_image import to_network_geometry
from preprocessing.writing import count_lines
from utils.config.predict import PredictConfig
from utils.errors import UserError
from utils.log import log, progress_bar
from utils.system import is_out_of_memory

# Below this confidence a picture may hold more than one line.
DOUBT = 0.5
GOES_ON = "the text may go on, the model writes no more than {} characters; cut the line in two."
SEVERAL_LINES = "seems to hold several lines; read it as a page (--page), or give each line as a picture."
NO_TEXT = "The model's output is no text; copy or train it again."
LOST, HARDLY = 0.01, "can hardly be read"
BLANK = Prediction("", 0.0, ())
GREEDY = PredictConfig()


def seems_several_lines(image: np.ndarray, prediction: Prediction) -> bool:
    """Whether a word image, read with doubt, seems to hold more than one line."""
    return prediction.confidence < DOUBT and count_lines(image) > 1


def is_lost(text: str, confidence: float) -> bool:
    """Whether a text is so unsure that little of it may be right."""
    return bool(text) and for_length(confidence, len(text)) < LOST


class WordPredictor(BasePredictor):
    """Reads files, or the words of a dataset, through the same code; subclasses run the network.

    `spec` has the geometry of the images and the characters that the ids stand for; `calibration` is applied to every
    prediction; None leaves the network's confidences unchanged.
    """

    def __init__(self, spec: ModelSpec, settings: PredictConfig, calibration: Calibration | None = None) -> None:
        super().__init__(settings.batch_size)
        self.spec = spec
        self.calibration = calibration
        self.views, self.views_below, self.n_best = settings.views, settings.views_below, settings.n_best
        self.turn_below = settings.turn_below
        # The last step only ends a text.
        self.longest = spec.network.max_seq_length - 1

    @abstractmethod
    def decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decodes a batch: image (B, H, W, C) uint8, W a multiple of the column stride; width (B,) int32, valid pixels.

        Returns ids (B, max_length) int32, PAD after END, and log_probability (B, max_length) float32, 0 there; both are
        (B, n, max_length), best first, from decoders with n readings of a word.
        """

    def read_files(
        self, paths: list[Path], progress: bool = False
    ) -> Iterator[tuple[Path, Prediction | UnusableImage]]:
        """Reads image files, in their order; an unusable file yields its error.

        What was read before an interruption or an error is yielded before that is raised.
        """
        # Files are sorted by width within such a window only, so memory does not grow with their number.
        window = 8 * self.batch_size
        with progress_bar(desc="Reading", total=len(paths), unit="word", disable=not progress, leave=False) as bar:
            for start in range(0, len(paths), window):
                part = paths[start : start + window]
                results: dict[int, Prediction | UnusableImage] = {}
                try:
                    self._read_window(part, results, bar)
                finally:
                    yield from ((part[i], results[i]) for i in sorted(results))

    def word_image(self, pixels: np.ndarray, name: str | Path) -> np.ndarray:
        """Returns the network's input for the pixels of a picture, which `name` identifies in the log.

        A network may confidently read a full stop in a whole page shrunk to a line's height. Blank paper therefore
        replaces the page, and is read as no text.
        """
        if seems_page(pixels, self.spec.image.normaliser):
            log(f"{name} {SEVERAL_LINES}")
            pixels = np.full((1, 1), PAPER, np.uint8)
        return to_network_geometry(pixels, self.spec.image)

    def may_go_on(self, prediction: Prediction) -> bool:
        """Whether a text is as long as the model's texts can be, so that the picture may hold more."""
        return len(prediction.character_confidences) >= self.longest

    def predict_dataset(self, dataset: Dataset, progress: bool = False) -> list[Prediction]:
        """Returns the predictions of all words of a dataset, in its order."""
        results: list[Any] = [None] * len(dataset)
        predictions = self.predict(dataset.widths, dataset.image)
        for index, prediction in progress_bar(
            predictions, desc="Reading", total=len(dataset), unit="word", disable=not progress, leave=False
        ):
            results[index] = prediction
        return results

    def predict_batch(self, images: list[np.ndarray]) -> list[Prediction]:
        # Blank paper is read as empty text with confidence 0 here: networks have not learned that.
        results = [replace(BLANK, raw_confidence=0.0) if self.calibration else BLANK] * len(images)
        written = [i for i, image in enumerate(images) if image.min() < PAPER]
        if written:
            for i, prediction in zip(written, self._predict([images[i] for i in written])):
                results[i] = prediction
        return results

    def _predict(self, images: list[np.ndarray]) -> list[Prediction]:
        """Returns the predictions of images with ink."""
        readings = self._read_batch(images)
        if self.turn_below:
            images = list(images)
            turn_upside_down(images, readings, self._read_batch, self.turn_below)
        if self.views > 1:
            self._read_again(images, readings)
        return [self.calibration.apply(one) for one in readings] if self.calibration else readings

    def _read_again(self, images: list[np.ndarray], readings: list[Prediction]) -> None:
        """Replaces the readings of unsure words by the vote of their views."""
        unsure = [i for i, reading in enumerate(readings) if sureness(reading) < self.views_below]
        more = self.views - 1
        views = [view for i in unsure for view in augmented_views(images[i], more, self.spec.image)]
        again: list[Prediction] = []
        while len(again) < len(views):
            rest = views[len(again) :]
            again += self._read_batch(rest[: self.batch_length(max(view.shape[1] for view in rest[: self.batch_size]))])
        for number, i in enumerate(unsure):
            voted = vote([readings[i], *again[number * more : (number + 1) * more]], self.n_best)
            readings[i] = replace(voted, upside_down=readings[i].upside_down)

    def _read_batch(self, images: list[np.ndarray]) -> list[Prediction]:
        """Reads word images once; confidences are the network's own."""
        try:
            decoded = self.decode(*pad_images(images, self.spec.column_stride))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise UserError(
                f"Out of memory reading {len(images)} words at once; "
                f"lower predict.batch_size to {max(1, len(images) // 2)} or less."
            ) from None
        ids, log_probability = decoded
        vocabulary = self.spec.tokenizer.vocabulary_size
        if np.isnan(log_probability).any() or ids.min() < 0 or ids.max() >= vocabulary:
            raise UserError(NO_TEXT)
        reading = self._prediction if ids.ndim == 2 else self._best_of
        return [reading(row, scores) for row, scores in zip(ids, log_probability)]

    def _prediction(self, ids: np.ndarray, scores: np.ndarray) -> Prediction:
        """Returns the prediction of ids (max_length,) with log probabilities (max_length,)."""
        written, tokenizer = ids[: int((ids > END).sum())], self.spec.tokenizer
        probabilities = tuple(float(np.exp(scores[place])) for place in tokenizer.reading_order(written))
        return Prediction(tokenizer.decode(ids), float(np.exp(scores.sum())), probabilities)

    def _best_of(self, ids: np.ndarray, scores: np.ndarray) -> Prediction:
        """Returns the first of n readings (n, max_length), with all of them as alternatives if n > 1."""
        # A small vocabulary may have fewer texts, and two sequences of ids may be one text in NFC.
        readings = [self._prediction(*pair) for pair in zip(ids, scores) if pair[0][0] != PAD]
        if not readings:
            raise UserError(NO_TEXT)
        texts: dict[str, float] = {}
        for reading in readings:
            texts.setdefault(reading.text, reading.confidence)
        return replace(readings[0], alternatives=tuple(texts.items()) if len(ids) > 1 else ())

    def predict_images(self, images: Sequence[np.ndarray | UnusableImage]) -> Iterator[tuple[int, Prediction]]:
        """Yields place and prediction of each word image, in the order of reading; errors are passed over."""
        good = [(i, image) for i, image in enumerate(images) if isinstance(image, np.ndarray)]
        widths = np.array([image.shape[1] for _, image in good], np.int64)
        for index, prediction in self.predict(widths, lambda i: good[i][1]):
            yield good[index][0], prediction

    def _read_window(self, paths: list[Path], results: dict[int, Prediction | UnusableImage], bar: tqdm) -> None:
        """Adds what is read in each file to `results`, by its place in `paths`."""
        images: list[Any] = [self._read(path) for path in paths]
        results.update((i, image) for i, image in enumerate(images) if isinstance(image, UnusableImage))
        bar.update(len(results))
        for index, prediction in self.predict_images(images):
            self._log_note(paths[index], images[index], prediction)
            results[index] = prediction
            bar.update()

    def _log_note(self, path: Path, image: np.ndarray, prediction: Prediction) -> None:
        """Logs what the user should know about the reading of a file."""
        if seems_several_lines(image, prediction):
            log(f"{path} {SEVERAL_LINES}")
        elif self.may_go_on(prediction):
            log(f"{path}: {GOES_ON.format(self.longest)}")
        elif is_lost(prediction.text, prediction.confidence):
            log(f"{path} {HARDLY}; if it holds more than a line, read it as a page (--page).")

    def _read(self, path: Path) -> np.ndarray | UnusableImage:
        try:
            return self.word_image(decode(path, self.spec.image), path)
        except UnusableImage as error:
            return error

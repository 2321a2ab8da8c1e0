"""Finds the letters of a dataset's pictures with a trained model."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from data_generators.source import DataSource
from models.model_folder import ModelFolder
from models.model_paths import find_model
from predictors.ctc_alignment import ctc_align
from predictors.onnx.runtime import PredictorOnnx
from preprocessing.batch import pad_images
from preprocessing.labels import Word
from preprocessing.normaliser import normalise
from preprocessing.word_image import to_network_geometry
from utils.config.schema import Config
from utils.errors import UserError

# Log probability of a word by which the model's own reading may exceed its label.
MOST_DOUBT = 3.0
INK = 128  # grey level of the network's input below which there is ink
BATCH = 16


class Aligner:
    """Finds the letters of labelled words with a model's CTC head.

    Attributes:
        left_out: counts why words are left out.
        longest: number of characters of the longest text that the model can read.
    """

    def __init__(self, config: Config, source: DataSource, left_out: Counter[str]) -> None:
        folder = ModelFolder(find_model(config))
        self._spec = folder.spec.with_max_pixels(config.image.max_pixels)
        self._source, self._image, self.left_out = source, self._spec.image, left_out
        self.longest = folder.spec.network.max_seq_length - 1
        if self._spec.tokenizer.is_rtl:
            raise UserError(f"The model in {folder.path} reads from right to left, which can't be recombined.")
        self._predictor = PredictorOnnx(*folder.onnx(), folder.spec)

    def places(self, words: Sequence[Word]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields the label of each word or line, its picture, and its letters' middles as parts of the ink's width.

        Words and lines that the model reads differently are left out.
        """
        labelled = ((word.label, pixels) for word in words if (pixels := self._read(word)) is not None)
        for label, pixels, middles, doubt in self._aligned(labelled):
            if doubt <= _most_doubt(label):
                yield label, pixels, middles
            else:
                self.left_out["the model doesn't find their letters"] += 1

    def confirmed(self, labelled: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
        """Yields labels and pictures, but none that the model reads differently, as it does where a cut was wrong."""
        return ((label, pixels) for label, pixels, _, doubt in self._aligned(labelled) if doubt <= _most_doubt(label))

    def _aligned(
        self, labelled: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
        """Yields label, picture, the middles of its letters as parts of the ink's width, and the model's doubt.

        The doubt is the log probability of the model's own reading minus that of the label.
        """
        labelled = iter(labelled)
        while part := list(itertools.islice(labelled, BATCH)):
            seen = [to_network_geometry(pixels, self._image) for _, pixels in part]
            images, widths = pad_images(seen, self._spec.column_stride)
            probability = self._predictor.column_probabilities(images, widths)
            for (label, pixels), image, width, columns in zip(part, seen, widths, probability):
                columns = columns[: width // self._spec.column_stride]
                middles, total = ctc_align(columns, self._spec.tokenizer.encode(label))
                ink = np.flatnonzero((image.reshape(*image.shape[:2], -1) < INK).any(axis=(0, 2)))
                if len(ink):
                    places = (middles * self._spec.column_stride - ink[0]) / (ink[-1] + 1 - ink[0])
                    yield label, pixels, places, float(np.log(columns.max(axis=1)).sum()) - total

    def _read(self, word: Word) -> np.ndarray | None:
        """Returns the clean picture of a word, uint8 (h, w), if it can be cut."""
        if len(word.label) < 2:
            return None
        if unknown := set(word.label) - set(self._spec.tokenizer.charset):
            self.left_out[f"the model doesn't know {min(unknown)!r}"] += 1
            return None
        pixels = self._source.images.decode(word.filename, self._image)
        if isinstance(pixels, str):
            self.left_out[pixels] += 1
            return None
        # Without specks and paper around it, so that its ink is as wide as in the network's input.
        clean = normalise(pixels, self._image.normaliser)
        return clean if clean.ndim == 2 else np.asarray(Image.fromarray(clean).convert("L"))


def _most_doubt(label: str) -> float:
    return MOST_DOUBT * (1 + label.count(" "))

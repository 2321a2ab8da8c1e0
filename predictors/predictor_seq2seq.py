"""Reads words with a trained network on Keras."""

import itertools

import keras
import numpy as np

from data_generators.buckets import Buckets
from models.calibration import Calibration
from models.model_seq2seq import ModelSeq2Seq
from predictors.beam import BeamDecoder
from predictors.greedy import GreedyDecoder
from predictors.lexicon.decoder import LexiconDecoder
from predictors.word_predictor import GREEDY, WordPredictor
from preprocessing.ink import PAPER
from utils.config.predict import PredictConfig


class PredictorSeq2Seq(WordPredictor):
    """Reads words with a `ModelSeq2Seq`, by any of the decoders; raises UserError if their lexicon can't be read.

    Each call uses the model's current weights, so a predictor made during training follows them.
    """

    def __init__(
        self, model: ModelSeq2Seq, settings: PredictConfig = GREEDY, calibration: Calibration | None = None
    ) -> None:
        super().__init__(model.spec, settings, calibration)
        self.model = model
        # XLA compiles again for each shape, which takes seconds.
        compiled = keras.backend.backend() == "jax"
        self.buckets = Buckets(model.image, model.network) if compiled else None
        self.decoder = make_decoder(model, settings)

    def decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        number = len(image)
        if self.buckets:
            image, width = self._filled(image, width, self.buckets)
        ids, log_probability, *_ = self.decoder.predict_on_batch({"image": image, "width": width})
        return ids[:number], log_probability[:number]

    def _filled(self, image: np.ndarray, width: np.ndarray, buckets: Buckets) -> tuple[np.ndarray, np.ndarray]:
        """Returns the batch, padded with paper and repeated words to one of a few shapes."""
        fitting = next(4**n for n in itertools.count() if 4**n >= min(len(image), self.batch_size))
        rows = max(len(image), min(fitting, self.batch_size))
        more = max(0, buckets.width(image.shape[2]) - image.shape[2])
        image = np.pad(image, ((0, 0), (0, 0), (0, more), (0, 0)), constant_values=PAPER)
        repeated = np.arange(rows) % len(image)
        return image[repeated], width[repeated]


def make_decoder(model: ModelSeq2Seq, settings: PredictConfig) -> GreedyDecoder | BeamDecoder | LexiconDecoder:
    """Returns the decoder that the config asks for; raises UserError if its lexicon can't be read."""
    if settings.decoder == "greedy":
        return GreedyDecoder(model, settings)
    if settings.decoder == "beam":
        return BeamDecoder(model, settings)
    return LexiconDecoder(model, settings)

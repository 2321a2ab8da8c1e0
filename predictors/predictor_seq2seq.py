"""Reads words with a trained network on Keras."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from data_generators.buckets import Buckets
from models.artifact import load_artifact
from models.description import ModelSpec
from models.model_seq2seq import ModelSeq2Seq
from predictors.beam import BeamDecoder
from predictors.greedy import GreedyDecoder
from predictors.lexicon.decoder import LexiconDecoder
from predictors.word_predictor import WordPredictor
from preprocessing.word_image import PAPER
from utils.config.predict import PredictConfig


class PredictorSeq2Seq(WordPredictor):
    """Reads words with a `ModelSeq2Seq`, by any of the decoders.

    Args:
        network: the network; its weights are used as they are at each call, so a predictor made
            during training follows it.
        predict: decoder and its settings; None: greedy. `batch_size` is the argument's.

    Raises:
        UserError: the lexicon that `predict` names can't be read.
    """

    def __init__(
        self, model: ModelSeq2Seq, batch_size: int = 256, predict: PredictConfig | None = None
    ) -> None:
        super().__init__(ModelSpec(model.image, model.network, model.tokenizer), batch_size)
        self.model = model
        # XLA compiles anew for each shape, which takes seconds.
        compiled = keras.backend.backend() == "jax"
        self.buckets = Buckets(model.image, model.network, model.column_stride) if compiled else None
        self.decoder = make_decoder(model, predict or PredictConfig())

    @classmethod
    def from_folder(
        cls, folder: str | os.PathLike, predict: PredictConfig | None = None
    ) -> "PredictorSeq2Seq":
        """Loads a model folder; raises UserError if it, or the lexicon, isn't a whole one."""
        model, _ = load_artifact(Path(folder))
        predict = predict or PredictConfig()
        return cls(model, predict.batch_size, predict)

    def decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        number = len(image)
        if self.buckets:
            image, width = self._filled(image, width, self.buckets)
        ids, log_probability, *_ = self.decoder.predict_on_batch({"image": image, "width": width})
        return ids[:number], log_probability[:number]

    def _filled(
        self, image: np.ndarray, width: np.ndarray, buckets: Buckets
    ) -> tuple[np.ndarray, np.ndarray]:
        """The batch with paper, and words once more, up to one of a few shapes."""
        rows = next(size for size in _powers(4) if size >= len(image) or size >= self.batch_size)
        rows = max(len(image), min(rows, self.batch_size))
        more = max(0, buckets.width(image.shape[2]) - image.shape[2])
        image = np.pad(image, ((0, 0), (0, 0), (0, more), (0, 0)), constant_values=PAPER)
        repeated = np.arange(rows) % len(image)
        return image[repeated], width[repeated]


def _powers(base: int) -> Iterator[int]:
    return (base**exponent for exponent in itertools.count())


def make_decoder(model: ModelSeq2Seq, predict: PredictConfig) -> GreedyDecoder | BeamDecoder | LexiconDecoder:
    """The decoder that the config asks for; raises UserError if its lexicon can't be read."""
    if predict.decoder == "greedy":
        return GreedyDecoder(model, predict.ctc_weight)
    if predict.decoder == "beam":
        width, penalty = predict.beam_width, predict.length_penalty
        return BeamDecoder(model, width, penalty, predict.n_best, predict.ctc_weight)
    return LexiconDecoder(model, predict)

"""Reads words with a trained network on Keras."""

import os
from pathlib import Path

import numpy as np

from models.artifact import load_artifact
from models.description import Anatomy
from models.model_seq2seq import ModelSeq2Seq
from predictors.beam import BeamDecoder
from predictors.greedy import GreedyDecoder
from predictors.lexicon import LexiconDecoder
from predictors.word_predictor import WordPredictor
from utils.config_schema import Predict


class PredictorSeq2Seq(WordPredictor):
    """Reads words with a `ModelSeq2Seq`, by any of the decoders.

    Args:
        network: the network; its weights are used as they are at each call, so a predictor made
            during training follows it.
        predict: decoder and its settings; None: greedy. `batch_size` is the argument's.

    Raises:
        UserError: the lexicon that `predict` names can't be read.
    """

    def __init__(self, network: ModelSeq2Seq, batch_size: int = 256, predict: Predict | None = None) -> None:
        super().__init__(Anatomy(network.image, network.network, network.tokenizer), batch_size)
        self.network = network
        self.decoder = make_decoder(network, predict or Predict())

    @classmethod
    def from_folder(cls, folder: str | os.PathLike, predict: Predict | None = None) -> "PredictorSeq2Seq":
        """Loads a model folder; raises UserError if it, or the lexicon, isn't a whole one."""
        network, _ = load_artifact(Path(folder))
        predict = predict or Predict()
        return cls(network, predict.batch_size, predict)

    def decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ids, log_probability, *_ = self.decoder.predict_on_batch({"image": image, "width": width})
        return ids, log_probability


def make_decoder(network: ModelSeq2Seq, predict: Predict) -> GreedyDecoder | BeamDecoder | LexiconDecoder:
    """The decoder that the config asks for; raises UserError if its lexicon can't be read."""
    if predict.decoder == "greedy":
        return GreedyDecoder(network, predict.ctc_weight)
    if predict.decoder == "beam":
        width, penalty = predict.beam_width, predict.length_penalty
        return BeamDecoder(network, width, penalty, predict.n_best, predict.ctc_weight)
    return LexiconDecoder(network, predict)

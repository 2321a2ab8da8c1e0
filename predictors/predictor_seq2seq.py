"""Reads words with a trained network on Keras."""

import os
from pathlib import Path

import numpy as np

from models.artifact import load_artifact
from models.description import Anatomy
from models.model_seq2seq import ModelSeq2Seq
from predictors.greedy import GreedyDecoder
from predictors.word_predictor import WordPredictor


class PredictorSeq2Seq(WordPredictor):
    """Greedy reading with a `ModelSeq2Seq`.

    Args:
        network: the network; its weights are used as they are at each call, so a predictor made
            during training follows it.
    """

    def __init__(self, network: ModelSeq2Seq, batch_size: int = 256) -> None:
        super().__init__(Anatomy(network.image, network.network, network.tokenizer), batch_size)
        self.network = network
        self.decoder = GreedyDecoder(network)

    @classmethod
    def from_folder(cls, folder: str | os.PathLike, batch_size: int = 256) -> "PredictorSeq2Seq":
        """Loads a model folder; raises UserError if it isn't a whole one."""
        network, _ = load_artifact(Path(folder))
        return cls(network, batch_size)

    def decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.decoder.predict_on_batch({"image": image, "width": width})

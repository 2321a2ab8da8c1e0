"""Beam search with a lexicon: texts are ranked by image and language together."""

import numpy as np

from models.model_seq2seq import ModelSeq2Seq
from predictors.beam import BeamDecoder
from predictors.lexicon.scorer import LexiconScorer
from predictors.lexicon.words import read_lexicon
from preprocessing.tokenizer import PAD
from utils.config.predict import PredictConfig


class LexiconDecoder:
    """Adds weight * log p_lexicon(text) to the log p of the texts of a beam search, during and after it.

    This is shallow fusion (Gulcehre et al. 2015, arXiv:1503.03535) with a list of words for a language model. Unlisted
    words have a probability, too, and win where the image is clear; a line is read word by word. Raises UserError if
    the lexicon can't be read.
    """

    def __init__(self, model: ModelSeq2Seq, settings: PredictConfig) -> None:
        self.tokenizer = model.tokenizer
        self.settings = settings
        self.lexicon = read_lexicon(settings.lexicon.file, settings.lexicon.oov_penalty)
        written = self.lexicon.reordered(model.tokenizer.written) if model.tokenizer.is_rtl else self.lexicon
        scorer = LexiconScorer(written, model.tokenizer.charset, settings.lexicon.weight)
        # All are ranked again.
        self.beam = BeamDecoder(model, settings.model_copy(update={"n_best": settings.beam_width}), scorer)

    def predict_on_batch(self, inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image batch in; ids, log_probability and rank out, as of `BeamDecoder`, with the lexicon's part."""
        ids, log_probability, rank = self.beam.predict_on_batch(inputs)
        real = ids[..., 0] != PAD
        length = np.maximum((ids != PAD).sum(axis=-1), 1)
        known = np.zeros(rank.shape, np.float32)
        known[real] = [self.lexicon.log_probability(self.tokenizer.decode(row)) for row in ids[real]]
        rank = rank + self.settings.lexicon.weight * known / length**self.settings.length_penalty
        best = np.argsort(-rank, axis=1, kind="stable")[:, : self.settings.n_best]
        rows = np.arange(len(ids))[:, None]
        return ids[rows, best], log_probability[rows, best], rank[rows, best]

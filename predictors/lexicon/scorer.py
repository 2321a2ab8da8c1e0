"""What a lexicon says of a text while it is being written."""

import keras
import numpy as np
from keras import ops

from predictors.joint_scorer import LOG_ZERO
from predictors.lexicon.trie import OUTSIDE, ROOT, build_trie
from predictors.lexicon.words import OTHER_CHARACTER, Lexicon
from preprocessing.tokenizer import END, NUM_SPECIAL


class LexiconScorer(keras.layers.Layer):
    """Leads a beam search towards the words of a lexicon, without closing the way to others.

    A beginning counts with the log probability of all words that begin so, and never with less than
    an unlisted word of its length: probabilities only fall while a text grows, as the search expects.

    Shape: place (B, N) int32, the state of each text, `start` at first; step: characters it has ->
        places (B, N, V) int32 and weighted log probabilities (B, N, V) float32 after each next id
    """

    def __init__(self, lexicon: Lexicon, charset: str, weight: float) -> None:
        super().__init__(name="lexicon_guide")
        trie = build_trie(lexicon, charset)
        self.start = ROOT
        self.weight = weight
        self.oov_penalty = lexicon.oov_penalty
        # Variables, not constants: a graph is no place for 40 MB of them.
        self.following = keras.Variable(trie.following, dtype="int32", trainable=False)
        self.beginning = keras.Variable(np.maximum(trie.beginning, LOG_ZERO), trainable=False)
        self.ending = keras.Variable(np.maximum(trie.ending, LOG_ZERO), trainable=False)
        self.classes = np.concatenate([np.zeros(NUM_SPECIAL, np.int32), trie.classes])

    def call(self, place, step):
        unlisted = ops.cast(step, "float32") * OTHER_CHARACTER - self.oov_penalty
        places = ops.take(ops.take(self.following, place, axis=0), self.classes, axis=-1)
        beginning = ops.maximum(ops.take(self.beginning, places, axis=0), unlisted + OTHER_CHARACTER)
        ending = ops.maximum(ops.take(self.ending, place, axis=0), unlisted)
        is_end = np.arange(len(self.classes)) == END
        places = ops.where(is_end, OUTSIDE, places)
        return places, self.weight * ops.where(is_end, ending[..., None], beginning)

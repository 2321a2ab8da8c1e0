"""Scores growing texts by a lexicon."""

import keras
import numpy as np
from keras import ops

from predictors.joint_scorer import LOG_ZERO
from predictors.lexicon.trie import OUTSIDE, ROOT, build_trie
from predictors.lexicon.words import OTHER_CHARACTER, Lexicon
from preprocessing.tokenizer import END, NUM_SPECIAL


class LexiconScorer(keras.layers.Layer):
    """Leads a beam search towards the words of a lexicon, without closing the way to others.

    A beginning scores the log probability of all words that begin so, and never less than an unlisted word of its
    length. Probabilities only fall while a text grows, as the search expects.

    Shape: node (B, N) int32 of each text in the trie, `start` at first; step: its number of characters ->
        nodes (B, N, V) int32 and weighted log probabilities (B, N, V) float32 after each next id
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

    def call(self, node, step):
        unlisted = ops.cast(step, "float32") * OTHER_CHARACTER - self.oov_penalty
        nodes = ops.take(ops.take(self.following, node, axis=0), self.classes, axis=-1)
        beginning = ops.maximum(ops.take(self.beginning, nodes, axis=0), unlisted + OTHER_CHARACTER)
        ending = ops.maximum(ops.take(self.ending, node, axis=0), unlisted)
        is_end = np.arange(len(self.classes)) == END
        nodes = ops.where(is_end, OUTSIDE, nodes)
        return nodes, self.weight * ops.where(is_end, ending[..., None], beginning)

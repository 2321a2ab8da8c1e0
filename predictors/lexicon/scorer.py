"""Scores growing texts by a lexicon, during a beam search."""

import keras
import numpy as np
from keras import ops

from predictors.ctc_prefix import LOG_ZERO
from predictors.lexicon.trie import ROOT, build_trie
from predictors.lexicon.words import OTHER_CHARACTER, Lexicon
from preprocessing.tokenizer import END, NUM_SPECIAL


class LexiconScorer(keras.layers.Layer):
    """Leads a beam search towards the words of a lexicon, without closing the way to others.

    The beginning of a word scores the log probability of all words that begin so, and never less than an unlisted word
    of its length; a blank ends a word and begins the next. Probabilities only fall while a text grows, as the search
    expects.

    The state (B, N, 3) float32 of a text is its last word's node in the trie, the place where this word begins, and the
    log probability of the words before.

    Shape: state; step: the number of characters -> weighted log probabilities (B, N, V) float32 after each next id
    """

    def __init__(self, lexicon: Lexicon, charset: str, weight: float) -> None:
        super().__init__(name="lexicon_scorer")
        trie = build_trie(lexicon, charset)
        self.weight = weight
        self.oov_penalty = lexicon.oov_penalty
        # Variables, not constants: a graph is no place for 40 MB of them.
        self.following = keras.Variable(trie.following, dtype="int32", trainable=False)
        self.beginning = keras.Variable(np.maximum(trie.beginning, LOG_ZERO), trainable=False)
        self.ending = keras.Variable(np.maximum(trie.ending, LOG_ZERO), trainable=False)
        self.classes = np.concatenate([np.zeros(NUM_SPECIAL, np.int32), trie.classes])
        self.blank = charset.find(" ") + NUM_SPECIAL if " " in charset else -1

    def start(self, rows):
        """Returns the state (B, N, 3) of empty texts; `rows` is any (B, N)."""
        return ops.stack([ops.zeros_like(rows, dtype="float32") + value for value in (ROOT, 0, 0)], axis=-1)

    def call(self, state, step):
        node, unlisted = self._word(state, step)
        nodes = ops.take(ops.take(self.following, node, axis=0), self.classes, axis=-1)
        beginning = ops.maximum(ops.take(self.beginning, nodes, axis=0), (unlisted + OTHER_CHARACTER)[..., None])
        ending = ops.maximum(ops.take(self.ending, node, axis=0), unlisted)
        ids = np.arange(len(self.classes))
        scores = ops.where((ids == END) | (ids == self.blank), ending[..., None], beginning)
        return self.weight * (state[..., 2:] + scores)

    def advance(self, state, token, step):
        """Returns the state of texts (B, N, 3) with one more id, token (B, N) int32."""
        node, unlisted = self._word(state, step)
        classes = ops.take(ops.convert_to_tensor(self.classes), token)
        following = ops.take_along_axis(ops.take(self.following, node, axis=0), classes[..., None], axis=-1)[..., 0]
        is_blank = ops.equal(token, self.blank)
        ending = ops.maximum(ops.take(self.ending, node, axis=0), unlisted)
        node = ops.cast(ops.where(is_blank, ROOT, following), "float32")
        start = ops.where(is_blank, ops.cast(step + 1, "float32"), state[..., 1])
        return ops.stack([node, start, state[..., 2] + ops.where(is_blank, ending, 0.0)], axis=-1)

    def _word(self, state, step):
        """Returns the last word's node (B, N) int32, and the log probability of an unlisted word of its length."""
        length = ops.cast(step, "float32") - state[..., 1]
        return ops.cast(state[..., 0], "int32"), length * OTHER_CHARACTER - self.oov_penalty

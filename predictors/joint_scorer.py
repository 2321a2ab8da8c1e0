"""Scores each next character by decoder and CTC together, one decoding step at a time, with Keras."""

from typing import Any

import keras
import numpy as np
from keras import ops

from models.ctc import column_probabilities
from models.model_seq2seq import ModelSeq2Seq
from predictors.ctc_prefix import LOG_ZERO, CtcPrefix
from preprocessing.tokenizer import END


class CtcForward:
    """`ctc_prefix.ctc_forward` for Keras, as a recurrent layer, since `ops.scan` needs static shapes."""

    def __init__(self) -> None:
        self.layer = keras.layers.RNN(CtcForwardCell(), return_sequences=True)

    def __call__(self, entering, emitted, blank) -> tuple[Any, Any]:
        columns = self.layer(ops.stack([entering, emitted, blank], axis=-1))
        return columns[..., 0], columns[..., 1]


class CtcForwardCell(keras.layers.Layer):
    """One column of `CtcForward`."""

    state_size = (1, 1)
    output_size = 2

    def call(self, inputs, states):
        entering, emitted, blank = ops.split(inputs, 3, axis=-1)
        p_nonblank, p_blank = states
        new = [(p_nonblank + entering) * emitted, (p_blank + p_nonblank) * blank]
        return ops.concatenate(new, axis=-1), new


class JointScorer:
    """Scores next characters, for greedy and beam search.

    log p = (1 - ctc_weight) log p_decoder + ctc_weight log p_ctc, each given the text so far, ctc_weight 0 to 1
    (Watanabe et al. 2017, "Hybrid CTC/attention architecture", eq. 49, in one pass): attention may skip or repeat
    characters, CTC may not. Without a CTC head the decoder alone scores. With `characters`, no others are possible, and
    these share the whole probability.
    """

    def __init__(self, model: ModelSeq2Seq, ctc_weight: float, characters: str | None) -> None:
        self.decoder = model.decoder
        self.ctc_head = model.ctc_head if ctc_weight else None
        self.counts = model.counts
        self.ctc_weight = ctc_weight
        self.max_length = model.network.max_seq_length
        self.prefix = CtcPrefix(ops, CtcForward())
        refused = model.tokenizer.refused_ids(characters) if characters else None
        self.refused = None if refused is None else np.where(refused, LOG_ZERO, 0).astype(np.float32)

    def start(self, memory, valid, state_h, state_c, last) -> tuple[tuple[Any, ...], list[Any]]:
        """Returns the constants of all steps, and the states before the first one.

        `memory`, `valid`, `state_h` and `state_c` are the encoder's outputs (B, ...), `last` is (B,) int32, START.
        """
        keys, states = self.decoder.start(memory, state_h, state_c)
        counts = self.counts(memory, valid)
        if not self.ctc_head:
            return (keys, memory, valid, counts, None), states
        probability = column_probabilities(self.ctc_head(memory, valid))
        return (keys, memory, valid, counts, probability), [*states, *self.prefix.start(probability, last)]

    def __call__(self, last, states: list[Any], constants: tuple[Any, ...], step) -> tuple[Any, list[Any]]:
        """Returns the log probability (rows, V) float32 of each next id, and the new states.

        PAD and START are never written: their small probabilities are set to zero. The last of max_length steps can
        only write END, with its own probability, as no label is longer.

        Args:
            last: (rows,) int32, the previous ids; rows are a multiple of the words in `constants`.
            states: of the texts without `last`, from `start` (repeated for each row) or the last step.
            step: number of characters written so far, a scalar.
        """
        keys, memory, valid, counts, probability = constants
        own = len(states) - 3 if self.ctc_head else len(states)
        logits, new_states, _ = self.decoder.step(last, states[:own], keys, memory, valid, counts, step)
        ids = ops.arange(logits.shape[-1])[None, :]
        logits = ops.where(ids < END, ops.cast(-3e4, logits.dtype), logits)
        scores = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        if self.ctc_head:
            by_column, prefixes = self.prefix.step(probability, states[own:], last)
            scores = (1 - self.ctc_weight) * scores + self.ctc_weight * by_column
            new_states = [*new_states, *prefixes]
        if self.refused is not None:
            scores = ops.log_softmax(scores + self.refused, axis=-1)
        too_long = ops.logical_and(step == self.max_length - 1, ids != END)
        return ops.where(ops.logical_or(ids < END, too_long), LOG_ZERO, scores), new_states

"""Greedy decoding: the most probable character at each step, in one compiled loop."""

import keras
from keras import ops

from models.model_seq2seq import ModelSeq2Seq
from utils.tokenizer import END, PAD, START

# Log probability of the impossible; with infinities sums and products could become NaN.
NEVER = -1e9


class GreedyDecoder(keras.Model):
    """Image batch in, character ids and their log-probabilities out.

    Encoder and decoding loop are one graph: states are carried from step to step, and the loop
    ends as soon as every word of the batch has ended.

    Shape: image (B, H, W, C) uint8, width (B,) int32 ->
        ids (B, max_length) int32, at most max_length - 1 characters, END, and PAD after it;
        log_probability (B, max_length) float32, 0 there
    """

    def __init__(self, network: ModelSeq2Seq) -> None:
        super().__init__(name="greedy_decoder")
        self.encoder = network.encoder
        self.decoder = network.decoder
        self.max_length = network.network.max_seq_lenght

    def call(self, inputs):
        memory, valid, state_h, state_c = self.encoder([inputs["image"], inputs["width"]], training=False)
        keys, states = self.decoder.start(memory, state_h, state_c)
        # Made from a state, so that the loop's values agree on what is known of the batch size.
        start = ops.zeros_like(state_h[:, 0], dtype="int32") + START
        columns = ops.arange(self.max_length, dtype="int32")[None, :]
        empty_ids = ops.zeros_like(start)[:, None] + ops.zeros_like(columns)

        def unfinished(step, last, finished, *rest):
            return ops.logical_and(step < self.max_length, ops.logical_not(ops.all(finished)))

        def advance(step, last, finished, ids, log_probability, *states):
            logits, states, _ = self.decoder.step(last, list(states), keys, memory, valid)
            scores = log_probabilities(logits, step, self.max_length)
            best = ops.where(finished, PAD, ops.cast(ops.argmax(scores, axis=-1), "int32"))
            score = ops.where(finished, 0.0, ops.max(scores, axis=-1))
            here = ops.equal(columns, step)
            ids = ops.where(here, best[:, None], ids)
            log_probability = ops.where(here, score[:, None], log_probability)
            return (step + 1, best, ops.logical_or(finished, best == END), ids, log_probability, *states)

        loop = (
            ops.convert_to_tensor(0, "int32"),
            start,
            ops.zeros_like(start, dtype="bool"),
            empty_ids,
            ops.cast(empty_ids, "float32"),
            *states,
        )
        _, _, _, ids, log_probability, *_ = ops.while_loop(unfinished, advance, loop)
        return ids, log_probability


def log_probabilities(logits, step, max_length: int):
    """Log probability of each next id, float32 of the shape of logits (rows, V).

    PAD and START are never written; training gives them no probability, but not exactly none. The last
    of max_length steps can only write END, with the probability it has: no label is longer.
    """
    index = ops.arange(logits.shape[-1])[None, :]
    allowed = ops.where(index < END, ops.cast(NEVER, logits.dtype), logits)
    scores = ops.log_softmax(ops.cast(allowed, "float32"), axis=-1)
    too_long = ops.logical_and(step == max_length - 1, index != END)
    return ops.where(too_long, NEVER, scores)

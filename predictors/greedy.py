"""Greedy decoding: the most probable character at each step, in one compiled loop."""

import keras
from keras import ops

from models.model_seq2seq import ModelSeq2Seq
from predictors.joint_scorer import JointScorer
from preprocessing.tokenizer import END, PAD, START
from utils.config.predict import PredictConfig


class GreedyDecoder(keras.Model):
    """Decodes an image batch into character ids and their log probabilities.

    Encoder and decoding loop are one graph: states are carried from step to step, and the loop ends as soon as every
    word of the batch has ended.

    Shape: image (B, H, W, C) uint8, width (B,) int32 ->
        ids (B, max_length) int32, at most max_length - 1 characters, END, and PAD after it;
        log_probability (B, max_length) float32, 0 there
    """

    def __init__(self, model: ModelSeq2Seq, settings: PredictConfig) -> None:
        super().__init__(name="greedy_decoder")
        self.encoder = model.encoder
        self.next_characters = JointScorer(model, settings.ctc_weight, settings.characters)
        # Attributes, so that Keras tracks their weights: JAX would keep those of the time of compilation.
        self.decoder, self.ctc_head = model.decoder, model.ctc_head
        self.max_length = model.network.max_seq_length

    def call(self, inputs):
        memory, valid, state_h, state_c = self.encoder([inputs["image"], inputs["width"]], training=False)
        # Derived from a state, so that all values of the loop have the same static batch size.
        start = ops.zeros_like(state_h[:, 0], dtype="int32") + START
        constants, states = self.next_characters.start(memory, valid, state_h, state_c, start)
        columns = ops.arange(self.max_length, dtype="int32")[None, :]
        empty_ids = ops.zeros_like(start)[:, None] + ops.zeros_like(columns)

        def unfinished(step, last, finished, *rest):
            return ops.logical_and(step < self.max_length, ops.logical_not(ops.all(finished)))

        def advance(step, last, finished, ids, log_probability, *states):
            scores, states = self.next_characters(last, list(states), constants, step)
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

"""A second, auxiliary reader: the encoder's columns spell the word by themselves."""

import keras
from keras import layers, ops

from utils.tokenizer import END, PAD

# Takes the place of 0 before logarithms, in float32.
TINY = 1e-30


@keras.saving.register_keras_serializable("seq2seq_ocr")
class CtcHead(layers.Layer):
    """Logits per column for a joint CTC loss (Kim, Hori and Watanabe 2017, arXiv:1609.06773).

    It makes the encoder align columns with characters early, which attention then builds on.
    Beam search may ask it about finished texts; greedy decoding doesn't.

    Shape: memory (B, S, D), valid (B, S) -> (B, S, vocabulary_size); PAD is the blank
    """

    def __init__(self, vocabulary_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.supports_masking = True
        self.dense = layers.Dense(vocabulary_size, name="ctc_dense")

    def build(self, memory_shape, valid_shape):
        self.dense.build(memory_shape)
        self.built = True

    def call(self, memory, valid):
        blank = ops.one_hot(PAD, self.vocabulary_size) * 60.0 - 30.0
        return ops.where(valid[..., None], self.dense(memory), blank)

    def compute_output_spec(self, memory, valid):
        return keras.KerasTensor((*memory.shape[:2], self.vocabulary_size), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}


def ctc_log_probability(columns, ids):
    """Log probability of texts given what CTC says of each column (Graves et al. 2006, section 4.1).

    Args:
        columns: (B, S, V) log probabilities per column, "blank" in padding columns.
        ids: (B, N, L) int, N texts for each word; special ids write nothing.

    Returns:
        (B, N) float32; texts that need more columns than there are, and others that float32 can't
        tell from impossible, get a large negative number.
    """
    texts, longest = ids.shape[1:]
    labels = ops.where(ids > END, ids, PAD)
    last = 2 * ops.sum(ops.cast(labels != PAD, "int32"), axis=-1)[..., None]
    # States: a blank before, between and behind the characters.
    states = ops.reshape(ops.stack([ops.zeros_like(labels), labels], axis=-1), (-1, texts, 2 * longest))
    states = ops.pad(states, ((0, 0), (0, 0), (0, 1)))
    number = ops.arange(2 * longest + 1, dtype="int32")
    # A blank may be left out between two characters that differ.
    skips = ops.logical_and(states != PAD, states != _shift(states, 2))
    flat = ops.reshape(states, (-1, texts * (2 * longest + 1)))
    probability = ops.exp(columns)
    begin = ops.cast(ops.zeros_like(states), "float32")

    def read_column(step, reached, total):
        emitted = ops.take_along_axis(ops.take(probability, step, axis=1), flat, axis=1)
        skipped = ops.where(skips, _shift(reached, 2), 0.0)
        reached = (reached + _shift(reached, 1) + skipped) * ops.reshape(emitted, ops.shape(states))
        reached = ops.where(number <= last, reached, 0.0)
        # Scaled to 1 at each column (Rabiner 1989, section V.A), for products of many would be 0.
        scale = ops.maximum(ops.sum(reached, axis=-1), TINY)
        return step + 1, reached / scale[..., None], total + ops.log(scale)

    loop = (ops.convert_to_tensor(0, "int32"), begin + ops.cast(number == 0, "float32"), begin[..., 0])
    _, reached, total = ops.while_loop(lambda step, *_: step < ops.shape(columns)[1], read_column, loop)
    whole = ops.logical_or(number == last, number == last - 1)
    return total + ops.log(ops.maximum(ops.sum(ops.where(whole, reached, 0.0), axis=-1), TINY))


def _shift(values, places: int):
    """Moves the last axis to the right, zeros coming in."""
    return ops.pad(values, ((0, 0), (0, 0), (places, 0)))[..., :-places]

"""Global attention of Luong et al. 2015 (arXiv:1508.04025), optionally weighted by position in the text."""

import math

import keras
from keras import layers, ops

# Standard deviation of the untrained Gaussian, in characters: wide enough for a CTC head that misses one in ten.
FIRST_SPREAD = 4.0


@keras.saving.register_keras_serializable("seq2seq_ocr")
class LuongAttention(layers.Layer):
    """Weights the encoder's columns by their similarity to the decoder's state.

    score(h_t, s) = h_t . (W s) / sqrt(d) (Luong 2015, eq. 8 "general", scaled as in Vaswani 2017), a = softmax over the
    valid columns, context c_t = sum_s a_ts s.

    If located, for lines, where the same letters recur, the similarity is multiplied with a Gaussian of learned width
    around the place of character t, by the counts of `models/character_counts.py` (as in the local attention of Luong
    2015, eq. 10, but around a place that is read, not predicted).
    """

    def __init__(self, units: int, located: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.located = located
        self.key_projection = layers.Dense(units, use_bias=False, name="keys")

    def build(self, memory_shape):
        self.key_projection.build(memory_shape)
        if self.located:
            start = keras.initializers.Constant(math.log(FIRST_SPREAD))
            # Trained like a norm's scale: in float32 at any precision of the products.
            self.log_spread = self.add_weight(name="log_spread", shape=(), initializer=start, dtype="float32")
        self.built = True

    def keys(self, memory):
        """Projects the memory (B, S, D) to keys (B, S, units), once per word."""
        return self.key_projection(memory)

    def call(self, query, keys, memory, valid, counts=None, steps=0.0):
        """Attends to the memory.

        Args:
            query: (B * N, T, units); N successive rows belong to the same word, in beam search its N hypotheses, so
                that the memory isn't copied.
            keys, memory, valid: (B, S, units), (B, S, D), (B, S) bool.
            counts: (B, S) float32, number of characters before each column; only read if located.
            steps: numbers of the characters that the T queries are for, (T,), or a scalar with T = 1.

        Returns:
            context (B * N, T, D) and weights (B * N, T, S); each row of weights sums to 1.
        """
        rows, length = ops.shape(query)[0], ops.shape(query)[1]
        query = ops.reshape(query, (ops.shape(keys)[0], -1, self.units))
        scores = ops.matmul(query, ops.transpose(keys, (0, 2, 1))) / self.units**0.5
        if self.located:
            scores = ops.cast(scores, "float32") + self._nearness(counts, steps)
        # Not infinity, which becomes NaN in float16 and in gradients.
        scores = ops.where(valid[:, None, :], scores, ops.cast(-3e4, scores.dtype))
        weights = ops.cast(ops.softmax(scores, axis=-1), memory.dtype)
        context = ops.reshape(ops.matmul(weights, memory), (rows, length, memory.shape[-1]))
        return context, ops.reshape(weights, (rows, length, ops.shape(memory)[1]))

    def _nearness(self, counts, steps):
        """Returns the logarithm of the Gaussian, (B, T, S) or, where all queries are of one step, (B, 1, S)."""
        steps = ops.reshape(ops.cast(steps, "float32"), (-1, 1))
        distance = counts[:, None, :] - (steps + 0.5)
        return -ops.square(distance) / (2 * ops.exp(2 * self.log_spread))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "located": self.located}

"""Global attention of Luong et al. 2015 (arXiv:1508.04025)."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("seq2seq_ocr")
class LuongAttention(layers.Layer):
    """Weights the encoder's columns by their similarity to the decoder's state.

    score(h_t, s) = h_t . (W s) / sqrt(d) (Luong 2015, eq. 8 "general", scaled as in Vaswani 2017),
    a = softmax over the valid columns, context c_t = sum_s a_ts s.
    """

    def __init__(self, units: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.key_projection = layers.Dense(units, use_bias=False, name="keys")

    def build(self, memory_shape):
        self.key_projection.build(memory_shape)
        self.built = True

    def keys(self, memory):
        """Projects the memory (B, S, D) to keys (B, S, units), once per word."""
        return self.key_projection(memory)

    def call(self, query, keys, memory, valid):
        """Attends to the memory.

        Args:
            query: (B * N, T, units); N successive rows belong to the same word, in beam search its N
                hypotheses, so that the memory isn't copied.
            keys, memory, valid: (B, S, units), (B, S, D), (B, S) bool.

        Returns:
            context (B * N, T, D) and weights (B * N, T, S); each row of weights sums to 1.
        """
        rows, steps = ops.shape(query)[0], ops.shape(query)[1]
        query = ops.reshape(query, (ops.shape(keys)[0], -1, self.units))
        scores = ops.matmul(query, ops.transpose(keys, (0, 2, 1))) / self.units**0.5
        # Not infinity, which becomes NaN in float16 and in gradients.
        scores = ops.where(valid[:, None, :], scores, ops.cast(-3e4, scores.dtype))
        weights = ops.softmax(scores, axis=-1)
        context = ops.reshape(ops.matmul(weights, memory), (rows, steps, memory.shape[-1]))
        return context, ops.reshape(weights, (rows, steps, ops.shape(memory)[1]))

    def get_config(self):
        return {**super().get_config(), "units": self.units}

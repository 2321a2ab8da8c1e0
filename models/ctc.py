"""The auxiliary CTC head on the encoder outputs."""

import keras
from keras import layers, ops

from models.character_counts import character_counts
from preprocessing.tokenizer import END, PAD


@keras.saving.register_keras_serializable("seq2seq_ocr")
class CtcHead(layers.Layer):
    """Computes logits per column for a joint CTC loss (Kim, Hori and Watanabe 2017, arXiv:1609.06773).

    The loss aligns columns with characters early in training. Decoding may use the head, too
    (`predictors/joint_scorer.py`).

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


def column_probabilities(logits):
    """Returns the CTC head's probabilities (B, S, V) float32 of its logits; START and END, never written, have 0."""
    ids = ops.arange(logits.shape[-1])
    special = ops.logical_and(ids > PAD, ids <= END)
    return ops.softmax(ops.where(special, -1e9, ops.cast(logits, "float32")), axis=-1)


@keras.saving.register_keras_serializable("seq2seq_ocr")
class CharacterCounts(layers.Layer):
    """`character_counts` of the CTC head's logits, for located attention, which must not train the head.

    Shape: (B, S, vocabulary_size) -> (B, S) float32
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.supports_masking = True

    def call(self, logits):
        return ops.stop_gradient(character_counts(column_probabilities(logits), ops))

    def compute_output_spec(self, logits):
        return keras.KerasTensor(logits.shape[:2], dtype="float32")

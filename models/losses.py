"""What training minimises."""

import keras
from keras import ops

from utils.tokenizer import END, PAD


class CharacterCrossEntropy(keras.losses.Loss):
    """Mean cross-entropy over all real characters of the batch, END included, PAD left out.

    Averaging over real characters keeps the loss independent of how far a batch is padded.
    With smoothing e the target is (1 - e) one-hot + e uniform (Szegedy et al. 2016, section 7).

    Shape: target (B, T) int32, logits (B, T, V) -> scalar
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__(name="character_cross_entropy")
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        target = ops.cast(y_true, "int32")
        log_probability = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        picked = ops.take_along_axis(log_probability, target[..., None], axis=-1)[..., 0]
        smooth = self.label_smoothing
        loss = -(1 - smooth) * picked - smooth * ops.mean(log_probability, axis=-1)
        real = ops.cast(ops.not_equal(target, PAD), "float32")
        return ops.sum(loss * real) / ops.maximum(ops.sum(real), 1.0)


class CtcLoss(keras.losses.Loss):
    """CTC (Graves et al. 2006) on the encoder's columns, per character, with PAD as the blank.

    The logits of padding columns already say "blank" (`models/ctc.py`), so all columns count.

    Shape: target (B, T) int32, logits (B, S, V) -> scalar
    """

    def __init__(self) -> None:
        super().__init__(name="ctc_loss")

    def call(self, y_true, y_pred):
        labels = ops.cast(y_true, "int32")
        labels = ops.where(labels == END, PAD, labels)
        lengths = ops.sum(ops.cast(labels != PAD, "int32"), axis=-1)
        columns = ops.zeros_like(lengths) + ops.shape(y_pred)[1]
        loss = ops.ctc_loss(labels, ops.cast(y_pred, "float32"), lengths, columns, mask_index=PAD)
        # Words without a target only fill the batch up.
        loss = ops.where(lengths > 0, loss, 0.0)
        return ops.sum(loss) / ops.maximum(ops.sum(ops.cast(lengths, "float32")), 1.0)

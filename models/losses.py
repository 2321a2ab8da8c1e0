"""Defines the training losses."""

import keras
from keras import ops

from models.precision import trains_on_cpu
from preprocessing.tokenizer import END, PAD


class CharacterCrossEntropy(keras.losses.Loss):
    """Mean cross-entropy over all characters of the batch and their ENDs, without padding.

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

    All columns count, since `models/ctc.py` sets padding columns to blank. On CPUs one operation of TensorFlow takes a
    fraction of the time of Keras' loop over the columns.

    Shape: target (B, T) int32, logits (B, S, V) -> scalar
    """

    def __init__(self) -> None:
        super().__init__(name="ctc_loss")

    def call(self, y_true, y_pred):
        labels = ops.cast(y_true, "int32")
        labels = ops.where(labels == END, PAD, labels)
        logits, lengths = ops.cast(y_pred, "float32"), ops.sum(ops.cast(labels != PAD, "int32"), axis=-1)
        columns = ops.zeros_like(lengths) + ops.shape(logits)[1]
        if trains_on_cpu():
            loss = _fused_ctc_loss(labels, logits, columns)
        else:
            loss = ops.ctc_loss(labels, logits, lengths, columns, mask_index=PAD)
        # Words without a target only fill up the batch.
        loss = ops.where(lengths > 0, loss, 0.0)
        return ops.sum(loss) / ops.maximum(ops.sum(ops.cast(lengths, "float32")), 1.0)


def _fused_ctc_loss(labels, logits, columns):
    """Returns the loss (B,), 0 for words with more characters than columns.

    `labels` is (B, T) int32, padded with PAD, `logits` (B, S, V), `columns` (B,) int32.
    """
    import tensorflow as tf

    # The operation refuses empty labels; their loss, that of an END, is not used.
    first = tf.where(labels[:, :1] == PAD, END, labels[:, :1])
    sparse = tf.sparse.from_dense(tf.concat([first, labels[:, 1:]], axis=1))
    # Its blank is the last class, PAD is the first.
    shifted = tf.SparseTensor(sparse.indices, sparse.values - 1, sparse.dense_shape)
    logits = tf.concat([logits[:, :, 1:], logits[:, :, :1]], axis=2)
    loss = tf.compat.v1.nn.ctc_loss(shifted, logits, columns, ignore_longer_outputs_than_inputs=True, time_major=False)
    return tf.where(tf.math.is_inf(loss), 0.0, loss)

"""Small backend-neutral layers that Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("seq2seq_ocr")
class NormalizeImage(keras.layers.Layer):
    """Converts uint8 pixels to float32.

    `ink`: (255 - x) / 255, so paper and padding are exactly 0. `standard`: mean 0, variance 1 over each image's valid
    columns.

    Shape: image (B, H, W, C) uint8, width (B,) int32 -> (B, H, W, C) float32
    """

    def __init__(self, mode: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.mode = mode

    def call(self, image, width):
        ink = (255.0 - ops.cast(image, "float32")) / 255.0
        if self.mode == "ink":
            return ink
        valid = ops.cast(column_mask(image, width, 1), "float32")[:, None, :, None]
        pixels = ops.sum(valid, (1, 2, 3), keepdims=True) * ops.shape(image)[1] * ops.shape(image)[3]
        mean = ops.sum(ink * valid, (1, 2, 3), keepdims=True) / pixels
        variance = ops.sum(ops.square(ink - mean) * valid, (1, 2, 3), keepdims=True) / pixels
        # Blank paper has no variance and stays 0.
        return (ink - mean) / ops.sqrt(ops.maximum(variance, 1e-6)) * valid

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


@ops.custom_gradient
def with_finite_gradient(values):
    """Returns `values`, whose gradient has 0 in place of NaN and infinities."""

    def gradient(*arguments, upstream=None):
        if upstream is None:
            (upstream,) = arguments
        return ops.where(ops.isfinite(upstream), upstream, ops.zeros_like(upstream))

    return values, gradient


@keras.saving.register_keras_serializable("seq2seq_ocr")
class Conv2D(keras.layers.Conv2D):
    """Keras' layer with a finite gradient of the kernel.

    In bfloat16 on CPUs with AMX, oneDNN multiplies memory that nobody has written by 0 (uxlfoundation/oneDNN issue 5717
    is of the same kind). That changes nothing unless the memory happens to hold NaN, as white pixels are: then about a
    hundredth of the gradient becomes NaN, and would make all weights NaN.
    """

    def convolution_op(self, inputs, kernel):
        kernel = ops.convert_to_tensor(kernel)
        # With float16, infinities in gradients lower the loss scale.
        finite = kernel if self.compute_dtype == "float16" else with_finite_gradient(kernel)
        return super().convolution_op(inputs, finite)


@keras.saving.register_keras_serializable("seq2seq_ocr")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer with statistics that can be fixed while scale and shift are still trained.

    The statistics of a batch of words of similar widths differ from those of the data; fixed ones are the same in
    training and prediction. On TensorFlow one fused operation takes about half the time of Keras' composition and
    agrees with it up to rounding.

    Attributes:
        fixed: normalise by the running statistics in training, too; read when a function is compiled.
    """

    fixed = False

    def call(self, inputs, training=None, mask=None):
        training = training and not self.fixed
        if keras.backend.backend() == "tensorflow":
            return self._fused(inputs, training)
        return super().call(inputs, training=training, mask=mask)

    def _fused(self, inputs, training):
        """Normalises features (B, H, W, C) over all axes but the last."""
        from tensorflow.compat.v1.nn import fused_batch_norm

        features, scale, offset = ops.cast(inputs, "float32"), self.gamma, self.beta
        running = {} if training else {"mean": self.moving_mean, "variance": self.moving_variance}
        outputs, mean, variance = fused_batch_norm(
            features, scale, offset, epsilon=self.epsilon, is_training=bool(training), **running
        )
        if training:
            count = ops.cast(ops.size(features) // features.shape[-1], "float32")
            # The operation normalises by the variance of the batch but returns the unbiased estimate.
            variance = variance * (count - 1) / count
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + value * (1 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)


@keras.saving.register_keras_serializable("seq2seq_ocr")
class MaskColumns(keras.layers.Layer):
    """Sets feature columns beyond the valid width to 0, as in the zero padding of convolutions.

    Without it, padding would influence the word's last columns, and an image would be read differently alone and in a
    batch.

    Shape: features (B, H, W / stride, C), width (B,) in pixels -> same as features
    """

    def __init__(self, stride: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, features, width):
        mask = column_mask(features, width, self.stride)
        return features * ops.cast(mask, features.dtype)[:, None, :, None]

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("seq2seq_ocr")
class HideSpans(keras.layers.Layer):
    """Sets spans of columns to 0 in training, so that a network learns to read from context, too.

    Span masking of HTR-VT (Li et al. 2024, arXiv:2409.08573), time masking of SpecAugment (Park et al. 2019). Spans of
    SPAN columns begin at random places and may overlap; the others are not scaled up.

    Args:
        share: share of the columns that is hidden on average, 0 to 1.

    Shape: columns (B, S, D) -> same
    """

    SPAN = 4  # columns: as wide as a letter of the usual size

    def __init__(self, share: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.share = share
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, columns, training=None):
        if not training:
            return columns
        begins = 1 - (1 - self.share) ** (1 / self.SPAN)
        batch, steps = ops.shape(columns)[:2]
        # Spans may begin before the first column, so that the ends are hidden as often as the middle.
        drawn = keras.random.uniform((batch, steps + self.SPAN - 1, 1), dtype="float32", seed=self.seed_generator)
        hidden = ops.max_pool(ops.cast(drawn < begins, "float32"), self.SPAN, strides=1, padding="valid")
        return columns * ops.cast(1 - hidden, columns.dtype)

    def get_config(self):
        return {**super().get_config(), "share": self.share}


@keras.saving.register_keras_serializable("seq2seq_ocr")
class Columns(keras.layers.Layer):
    """Turns a feature map into the encoder's input sequence, with its mask.

    `height`: a step is one column with all its rows, left to right. `flatten`: each position is a step, row by row (the
    seed project; all columns are valid).

    Shape: features (B, H, W, C), width (B,) -> (B, steps, size) float, (B, steps) bool
    """

    def __init__(self, mode: str, stride: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.stride = stride

    def call(self, features, width):
        mask = column_mask(features, width, self.stride)
        height, channels = features.shape[1], features.shape[3]
        if self.mode == "flatten":
            steps = ops.reshape(features, (-1, height * ops.shape(features)[2], channels))
            return steps, ops.tile(mask, (1, height))
        by_column = ops.transpose(features, (0, 2, 1, 3))
        return ops.reshape(by_column, (-1, ops.shape(features)[2], height * channels)), mask

    def compute_output_spec(self, features, width):
        batch, height, columns, channels = features.shape
        if self.mode == "flatten":
            steps, size = height * columns if columns else None, channels
        else:
            steps, size = columns, height * channels
        sequence = keras.KerasTensor((batch, steps, size), dtype=features.dtype)
        return sequence, keras.KerasTensor((batch, steps), dtype="bool")

    def get_config(self):
        return {**super().get_config(), "mode": self.mode, "stride": self.stride}


def column_mask(features, width, stride: int):
    """Returns (B, W / stride) bool, True where a column lies within the valid width."""
    columns = ops.arange(ops.shape(features)[2], dtype="int32")
    return columns[None, :] < (ops.cast(width, "int32") // stride)[:, None]

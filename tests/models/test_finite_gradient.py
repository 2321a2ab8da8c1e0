"""A kernel's gradient is Keras' own, but for what is not finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers import Conv2D

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the gradients are TensorFlow's")
IMAGE = np.random.default_rng(1).normal(size=(2, 5, 6, 3)).astype(np.float32)


def gradient_of(kind, upstream: np.ndarray) -> np.ndarray:
    """The gradient of a kernel of ones, where that of the layer's output is `upstream`."""
    layer = kind(4, (3, 3), padding="same", kernel_initializer="ones")
    layer.build(IMAGE.shape)
    with tf.GradientTape() as tape:
        outputs = layer(IMAGE)
    return tape.gradient(outputs, layer.kernel.value, output_gradients=tf.constant(upstream)).numpy()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_left_out(wrong):
    upstream = np.random.default_rng(2).normal(size=(2, 5, 6, 4)).astype(np.float32)
    expected = gradient_of(keras.layers.Conv2D, upstream)
    np.testing.assert_array_equal(gradient_of(Conv2D, upstream), expected)
    upstream[0, 2, 2, 1] = wrong  # of the second filter
    found = gradient_of(Conv2D, upstream)
    assert not found[..., 1].any()
    np.testing.assert_array_equal(np.delete(found, 1, axis=-1), np.delete(expected, 1, axis=-1))

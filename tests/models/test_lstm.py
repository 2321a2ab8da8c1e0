"""models/lstm.py: the same numbers as Keras' layer, forwards and backwards."""

import keras
import numpy as np
import pytest

from models.lstm import LSTM

BATCH, STEPS, SIZE, UNITS = 3, 7, 5, 4

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the loop is TensorFlow's")


def pair(**options):
    """Returns Keras' layer and ours with the same random weights, also their bias."""
    layers = [kind(UNITS, return_sequences=True, return_state=True, **options) for kind in (keras.layers.LSTM, LSTM)]
    rng = np.random.default_rng(1)
    layers[0].build((BATCH, STEPS, SIZE))
    layers[1].build((BATCH, STEPS, SIZE))
    weights = [rng.normal(size=weight.shape) for weight in layers[0].weights]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def run(layer, sequences, mask, states):
    """Returns outputs and states, and the gradients of sequences, states and weights."""
    import tensorflow as tf

    rng = np.random.default_rng(2)
    factors = [rng.normal(size=size) for size in ((BATCH, STEPS, UNITS), (BATCH, UNITS), (BATCH, UNITS))]
    sequences, states = tf.constant(sequences), [tf.constant(state) for state in states]

    @tf.function
    def compute():
        with tf.GradientTape() as tape:
            tape.watch([sequences, *states])
            results = layer(sequences, initial_state=states or None, mask=mask)
            loss = sum(tf.reduce_sum(result * factor) for result, factor in zip(results, factors, strict=True))
        variables = [weight.value for weight in layer.trainable_weights]
        return results, tape.gradient(loss, [sequences, *states, *variables])

    results, gradients = compute()
    return [value.numpy() for value in (*results, *gradients)]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zeroed", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("started", [False, True])
def test_outputs_states_and_gradients_are_those_of_keras(backwards, zeroed, masked, started):
    if masked and started and not zeroed:
        pytest.skip("the network has no such layer, and Keras' outputs then are zeros, not the first state")
    rng = np.random.default_rng(3)
    sequences = rng.normal(size=(BATCH, STEPS, SIZE)).astype("float32")
    # One full, one padded, one without any step.
    mask = np.arange(STEPS) < np.array([[STEPS], [4], [0]]) if masked else None
    states = [rng.normal(size=(BATCH, UNITS)).astype("float32") for _ in "hc"] if started else []
    theirs, ours = (
        run(layer, sequences, mask, states) for layer in pair(go_backwards=backwards, zero_output_for_mask=zeroed)
    )
    assert len(theirs) == len(ours) == 3 + 1 + len(states) + 3
    for expected, values in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_a_layer_is_made_again_from_its_config():
    wrapped = keras.layers.Bidirectional(LSTM(UNITS, name="lstm"), name="both")
    assert isinstance(wrapped.forward_layer, LSTM) and isinstance(wrapped.backward_layer, LSTM)
    assert isinstance(keras.layers.deserialize(keras.layers.serialize(wrapped)).backward_layer, LSTM)

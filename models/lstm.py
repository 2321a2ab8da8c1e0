"""Keras' LSTM, with a loop of its own where TensorFlow trains on a CPU: there, lines take half of the time."""

import keras

from models.precision import trains_on_cpu


@keras.saving.register_keras_serializable("seq2seq_ocr")
class LSTM(keras.layers.LSTM):
    """Computes what Keras' layer does with its default activations (Hochreiter and Schmidhuber 1997).

    In Keras' loop automatic differentiation keeps every value of every step, and adds up the gradient of the weights
    step by step. Here backpropagation through time is written explicitly: all that doesn't recur is one product over
    all steps.

    Shape: as Keras' layer; sequences (B, S, D), mask (B, S) bool or None
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Returns the last output (B, units), all outputs (B, S, units) and two states (B, units)."""
        if not trains_on_cpu():
            return super().inner_loop(sequences, initial_state, mask, training=training)
        import tensorflow as tf

        inputs = tf.transpose(sequences, (1, 0, 2))
        length, batch, size = tf.shape(inputs)[0], tf.shape(inputs)[1], inputs.shape[-1]
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        valid = tf.ones((length, batch, 1), bool) if mask is None else tf.transpose(mask)[:, :, None]
        if self.go_backwards:
            inputs, valid = inputs[::-1], valid[::-1]
        weights = (self.cell.kernel, self.cell.bias, self.cell.recurrent_kernel)
        kernel, bias, recurrent = (keras.ops.cast(values, inputs.dtype) for values in weights)
        projected = tf.reshape(
            tf.matmul(tf.reshape(inputs, (-1, size)), kernel) + bias, (length, batch, 4 * self.units)
        )
        hidden, cells = _recurrence(projected, recurrent, valid, *initial_state)
        outputs = hidden * tf.cast(valid, hidden.dtype) if self.zero_output_for_mask else hidden
        return outputs[-1], tf.transpose(outputs, (1, 0, 2)), [hidden[-1], cells[-1]]


def _recurrence(projected, recurrent, valid, hidden, cell):
    """Returns the states (S, B, units) after each step; where not `valid` (S, B, 1), those of the step before.

    `projected` (S, B, 4 * units) are the inputs times their weights plus the bias, the gates in Keras' order (input,
    forget, candidate, output); `recurrent` is (units, 4 * units); `hidden` and `cell` (B, units) are the first states.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def run(projected, recurrent, hidden, cell):
        states = _forward(projected, recurrent, valid, hidden, cell)

        def gradient(*upstream):
            before = [tf.concat([first[None], after[:-1]], 0) for first, after in zip((hidden, cell), states)]
            return _backward(projected, recurrent, valid, before, states[1], upstream)

        return states, gradient

    return run(projected, recurrent, hidden, cell)


def _forward(projected, recurrent, valid, hidden, cell):
    import tensorflow as tf

    steps = tf.shape(projected)[0]
    projections, flags = _unstacked(projected), _unstacked(valid)
    hiddens, cells = (tf.TensorArray(hidden.dtype, steps, element_shape=hidden.shape) for _ in range(2))

    def step(t, hidden, cell, hiddens, cells):
        enter, keep, candidate, leave = _gates(projections.read(t) + tf.matmul(hidden, recurrent))
        new, flag = keep * cell + enter * candidate, flags.read(t)
        hidden, cell = tf.where(flag, leave * tf.tanh(new), hidden), tf.where(flag, new, cell)
        return t + 1, hidden, cell, hiddens.write(t, hidden), cells.write(t, cell)

    *_, hiddens, cells = tf.while_loop(lambda t, *_: t < steps, step, (0, hidden, cell, hiddens, cells))
    return hiddens.stack(), cells.stack()


def _backward(projected, recurrent, valid, before, cells, upstream):
    """Returns the gradients of `projected`, `recurrent` and the first states.

    `before` are both states (S, B, units) before each step, `cells` those after it, `upstream` the gradients of both
    after it. The gates are computed again, in one product, rather than kept.
    """
    import tensorflow as tf

    (steps, batch), units = tf.unstack(tf.shape(cells))[:2], recurrent.shape[0]
    rows = tf.reshape(before[0], (-1, units))
    again = tf.reshape(tf.matmul(rows, recurrent), (steps, batch, 4 * units))
    enter, keep, candidate, leave = _gates(projected + again)
    valid = tf.cast(valid, cells.dtype)
    squashed = tf.tanh(cells)
    # Of each step: how the preactivations of the gates change the cell (three) and the hidden state (one), how the cell
    # changes the hidden state, how much of the cell is kept.
    factors = [
        candidate * enter * (1 - enter) * valid,
        before[1] * keep * (1 - keep) * valid,
        enter * (1 - tf.square(candidate)) * valid,
        squashed * leave * (1 - leave) * valid,
        leave * (1 - tf.square(squashed)) * valid,
        keep * valid + (1 - valid),
    ]
    factors, skipped = _unstacked(tf.concat([*factors, *upstream], -1)), _unstacked(1 - valid)
    of_projected = tf.TensorArray(cells.dtype, steps, element_shape=projected.shape[1:])
    transposed = tf.transpose(recurrent)

    def step(t, hidden, cell, of_projected):
        enter, keep, candidate, leave, reach, stay, of_hidden, of_cell = tf.split(factors.read(t), 8, -1)
        hidden += of_hidden
        cell += of_cell + hidden * reach
        gates = tf.concat([cell * enter, cell * keep, cell * candidate, hidden * leave], -1)
        hidden = hidden * skipped.read(t) + tf.matmul(gates, transposed)
        return t - 1, hidden, cell * stay, of_projected.write(t, gates)

    start = tf.zeros_like(cells[0])
    _, hidden, cell, of_projected = tf.while_loop(lambda t, *_: t >= 0, step, (steps - 1, start, start, of_projected))
    of_projected = of_projected.stack()
    of_recurrent = tf.matmul(rows, tf.reshape(of_projected, (-1, 4 * units)), transpose_a=True)
    return of_projected, of_recurrent, hidden, cell


def _gates(preactivations):
    """Returns input gate, forget gate, candidate and output gate."""
    import tensorflow as tf

    enter, keep, candidate, leave = tf.split(preactivations, 4, -1)
    return tf.sigmoid(enter), tf.sigmoid(keep), tf.tanh(candidate), tf.sigmoid(leave)


def _unstacked(values):
    import tensorflow as tf

    return tf.TensorArray(values.dtype, tf.shape(values)[0], element_shape=values.shape[1:]).unstack(values)

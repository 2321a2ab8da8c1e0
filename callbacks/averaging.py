"""Evaluates and saves the moving average of the weights (EMA, Polyak and Juditsky 1992)."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Replaces the weights by their average within the block, if the optimizer keeps one."""
    # The optimizer that scales the loss for float16 wraps the one with the average.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema:
        yield
        return
    raw = [keras.ops.copy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # A copy, since a step of JAX may reuse the memory of the model's values.
        variable.assign(keras.ops.copy(variable))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw):
            variable.assign(value)

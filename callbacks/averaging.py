"""The moving average of the weights (EMA, Polyak and Juditsky 1992), where it stands in for them."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within the block the model has its averaged weights, if its optimizer keeps an average."""
    # What scales the loss for float16 wraps the optimizer.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema:
        yield
        return
    raw = [keras.ops.copy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # JAX lets a step reuse the memory of the model's values, so the optimizer must not share it.
        variable.assign(keras.ops.copy(variable))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw):
            variable.assign(value)

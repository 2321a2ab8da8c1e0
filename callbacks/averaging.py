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
    raw = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw):
            variable.assign(value)

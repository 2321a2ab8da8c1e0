"""Values that a backend holds back while training."""

import keras


def sync_jax_state(model: keras.Model) -> None:
    """Puts what the last step has changed into the variables, for a callback that reads or sets one.

    JAX keeps a training's values to itself until the end of the epoch, or until it is asked for them.
    """
    if keras.backend.backend() == "jax":
        model.jax_state_sync()

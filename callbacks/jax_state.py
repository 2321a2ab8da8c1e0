"""Access to the variables of a JAX model during training."""

import keras


def sync_jax_state(model: keras.Model) -> None:
    """Copies the current values into the variables; JAX otherwise does so only at the end of an epoch."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()

"""Chooses the Keras backend that a distribution strategy needs; imports neither."""

import os

from utils.config.train import DistributionConfig
from utils.errors import UserError


def choose_backend(settings: DistributionConfig) -> None:
    """Sets KERAS_BACKEND, which the first import of Keras reads, to what the strategy needs.

    Raises:
        UserError: KERAS_BACKEND names another one.
    """
    wanted = {"mirrored": "tensorflow", "data_parallel": "jax"}.get(settings.strategy)
    if wanted and os.environ.setdefault("KERAS_BACKEND", wanted) != wanted:
        raise UserError(
            f"train.distribution.strategy {settings.strategy} needs KERAS_BACKEND={wanted}, "
            f"not {os.environ['KERAS_BACKEND']}."
        )

"""The error when a training step needs more memory than there is."""

import keras
import numpy as np

from base.base_data_generator import BaseDataGenerator
from utils.errors import UserError
from utils.system import is_out_of_memory


def out_of_memory(model: keras.Model, generator: BaseDataGenerator) -> UserError:
    """Returns an error that names a batch size that fits, found by trying.

    The trial steps change the model, which must not be saved after them.
    """
    if generator.pads_batches:  # The other processes would have to take part in the trial.
        return UserError(
            f"Out of memory at train.batch_size {generator.batch_size}; lower it and continue with the "
            "same command, or start again with --restart."
        )
    size = fitting_batch_size(model, generator)
    advice = f"train.batch_size={size} fits" if size else "not even one word fits: make the network smaller"
    return UserError(
        f"Out of memory at train.batch_size {generator.batch_size}; {advice}; "
        "the snapshots and the last saved state are kept: set it to continue, or start again with --restart."
    )


def fitting_batch_size(model: keras.Model, generator: BaseDataGenerator) -> int:
    """Returns the largest half, quarter, ... of the batch size at which the widest words fit; 0: none."""
    widest = np.argsort(generator.widths)[::-1]
    size = min(generator.batch_size, len(widest))
    while size > 1:
        size //= 2
        try:
            model.train_on_batch(*generator.make_batch(widest[:size], epoch=0))
            return size
        except Exception as error:
            if not is_out_of_memory(error):
                raise
    return 0

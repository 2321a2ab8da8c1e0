"""Writes and reads Keras' HDF5 weights files through memory.

After a failed write (full disk) the HDF5 library is unusable, and a malicious file can make it read other files.
Neither can happen with a checked buffer.
"""

import io
from pathlib import Path

import h5py
import keras
import numpy as np


class _Buffer(io.BytesIO):
    """A buffer whose name has the extension by which Keras chooses the format."""

    def __str__(self) -> str:
        return "memory.weights.h5"


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes all weights; raises OSError if the file can't be written."""
    buffer = _Buffer()
    model.save_weights(buffer)
    path.write_bytes(buffer.getbuffer())


def load_weights(model: keras.Model, content: bytes) -> None:
    """Loads weights from the content of a file.

    Raises ValueError if they are of another network, not finite, or damaged; the network's weights are then undefined.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            _check(file)
        model.load_weights(_Buffer(content))
    except Exception as error:  # h5py and Keras raise almost any type on damaged files
        raise ValueError(str(error) or type(error).__name__) from None
    for variable in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            raise ValueError(f"{variable.path} holds infinite or undefined numbers")


def _check(group: h5py.Group) -> None:
    """Refuses links, data in other files, and arrays that are larger in memory than in the file."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check(item)
        elif item.external or item.is_virtual:
            raise ValueError(f"{name} lies in another file")
        elif item.nbytes > item.id.get_storage_size():
            raise ValueError(f"{name} is compressed or incomplete")

"""What every network of this framework can do."""

from abc import ABC, abstractmethod
from pathlib import Path

import keras

from models.weights_file import load_weights, save_weights


class BaseModel(ABC):
    """Owns a `keras.Model`; subclasses say how it is built."""

    def __init__(self) -> None:
        self.keras_model = self.build_model()
        # The same layers without an optimizer, whose state would triple the size of the weights file.
        self._bare = keras.Model(self.keras_model.input, self.keras_model.output)

    @abstractmethod
    def build_model(self) -> keras.Model:
        """Builds the trainable network, weights initialised."""

    def save_weights(self, path: str | Path) -> None:
        """Writes all weights as Keras' HDF5; raises OSError if that fails."""
        save_weights(self._bare, Path(path))

    def load_weights(self, content: bytes) -> None:
        """Takes weights of the same network from the content of a file.

        Raises:
            ValueError: weights of another network, or a damaged file.
        """
        load_weights(self._bare, content)

    @property
    def parameter_count(self) -> int:
        """Number of weights, trainable or not."""
        return self.keras_model.count_params()

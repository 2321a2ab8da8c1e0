"""The base class of all networks."""

from abc import ABC, abstractmethod

import keras


class BaseModel(ABC):
    """Owns the trainable network, `keras_model`, which subclasses build.

    `bare_model` has the same layers without the optimizer, whose state would triple a weights file.
    """

    def __init__(self) -> None:
        self.keras_model = self.build_model()
        self.bare_model = keras.Model(self.keras_model.input, self.keras_model.output)

    @abstractmethod
    def build_model(self) -> keras.Model:
        """Builds the trainable network with initial weights."""

    @property
    def parameter_count(self) -> int:
        """Number of weights, trainable or not."""
        return self.keras_model.count_params()

"""The base class of all trainers."""

from abc import ABC, abstractmethod

import keras

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
}


class BaseTrainer(ABC):
    """Makes the optimizer; subclasses add data and callbacks, and run `fit`."""

    @abstractmethod
    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns the callbacks of `fit`, in the order in which they run."""

    @abstractmethod
    def train(self) -> None:
        """Trains to the end, or continues an interrupted training."""

    @staticmethod
    def make_optimizer(
        name: str,
        learning_rate: float,
        weight_decay: float = 0.0,
        clip_norm: float = 0.0,
        ema_decay: float = 0.0,
    ) -> keras.optimizers.Optimizer:
        """Returns an optimizer by its config name.

        Args:
            name: one of OPTIMIZERS.
            weight_decay: decoupled (Loshchilov and Hutter 2019), adamw only.
            clip_norm: largest global gradient norm; 0 doesn't clip.
            ema_decay: decay of the moving average of the weights; 0 keeps none.
        """
        options: dict = {"global_clipnorm": clip_norm or None}
        if ema_decay:
            options.update(use_ema=True, ema_momentum=ema_decay)
        if name == "adamw":
            options["weight_decay"] = weight_decay
        return OPTIMIZERS[name](learning_rate=learning_rate, **options)

"""What training any network has in common."""

from abc import ABC, abstractmethod

import keras


class BaseTrainer(ABC):
    """Makes the optimizer and runs `fit`; subclasses say with what data and which callbacks."""

    @abstractmethod
    def callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks of `fit`, in the order in which they run."""

    @abstractmethod
    def train(self) -> None:
        """Trains to the end, or continues a training that was interrupted."""

    @staticmethod
    def make_optimizer(
        name: str,
        learning_rate: float,
        weight_decay: float = 0.0,
        clip_norm: float = 0.0,
        ema_decay: float = 0.0,
    ) -> keras.optimizers.Optimizer:
        """An optimizer by its config name.

        Args:
            name: adam, adamw, sgd, rmsprop, adagrad or adadelta.
            weight_decay: decoupled (Loshchilov and Hutter 2019), adamw only.
            clip_norm: largest global gradient norm; 0 leaves gradients as they are.
            ema_decay: of the moving average of the weights; 0 keeps none.
        """
        classes = {
            "adam": keras.optimizers.Adam,
            "adamw": keras.optimizers.AdamW,
            "sgd": keras.optimizers.SGD,
            "rmsprop": keras.optimizers.RMSprop,
            "adagrad": keras.optimizers.Adagrad,
            "adadelta": keras.optimizers.Adadelta,
        }
        options: dict = {"global_clipnorm": clip_norm or None}
        if ema_decay:
            options.update(use_ema=True, ema_momentum=ema_decay)
        if name == "adamw":
            options["weight_decay"] = weight_decay
        return classes[name](learning_rate=learning_rate, **options)

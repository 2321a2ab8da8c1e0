"""The base class of all trainers."""

from abc import ABC, abstractmethod

import keras

from utils.config.train import TrainConfig

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
    def make_optimizer(train: TrainConfig) -> keras.optimizers.Optimizer:
        """Returns the config's optimizer; the weight decay of adamw is decoupled (Loshchilov and Hutter 2019)."""
        options: dict = {"global_clipnorm": train.clip_norm or None}
        if train.ema_decay:
            options.update(use_ema=True, ema_momentum=train.ema_decay)
        if train.optimizer == "adamw":
            options["weight_decay"] = train.weight_decay
        return OPTIMIZERS[train.optimizer](learning_rate=train.learning_rate, **options)

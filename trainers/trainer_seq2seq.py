"""Trains the sequence-to-sequence network, resumably."""

import warnings
from pathlib import Path
from typing import Any

import keras

from base.base_trainer import BaseTrainer
from callbacks.history import History
from callbacks.learning_rate import LearningRate
from callbacks.progress import Progress
from callbacks.save_state import RestoreState, SaveState
from callbacks.snapshot import Snapshot
from callbacks.training_state import read_progress
from callbacks.validation import ValidationScores
from data_generators.data_generator import DataGenerator
from data_generators.dataset import Dataset
from data_generators.feed import Feed
from models.artifact import artifact_folder, best_folder
from models.model_seq2seq import ModelSeq2Seq
from predictors.predictor_seq2seq import PredictorSeq2Seq
from utils.config import config_to_yaml
from utils.config_schema import Config
from utils.errors import UserError
from utils.files import write_text
from utils.lock import experiment_lock
from utils.log import log


class TrainerSeq2Seq(BaseTrainer):
    """Runs `fit` with everything the config asks for.

    Args:
        train_generator: training batches, shuffled and augmented.
        val_generator: batches of the validation words that have a teacher-forced loss.
        val_dataset: validation words to decode for CER and WER.
    """

    def __init__(
        self,
        config: Config,
        network: ModelSeq2Seq,
        train_generator: DataGenerator,
        val_generator: DataGenerator,
        val_dataset: Dataset,
    ) -> None:
        self.config = config
        self.network = network
        self.val_dataset = val_dataset
        self.steps = len(train_generator)
        self.words = len(train_generator.dataset)
        self.train_feed = Feed(train_generator, config.train.num_workers)
        self.val_feed = Feed(val_generator, config.train.num_workers)
        self.folder = Path(config.experiment_folder)
        self.state_file = self.folder / "state" / "training.npz"
        self.saved: dict[str, Any] = {}

    def train(self) -> None:
        """Trains, or continues where the experiment's saved state stands.

        Raises:
            UserError: the experiment can't be continued, its folder is in use, the loss diverged.
            Interrupted: Ctrl-C or SIGTERM; the state is saved.
        """
        with experiment_lock(self.folder):
            self.saved = read_progress(self.state_file) or {}
            self._check_same_training()
            if self._finished():
                log(
                    f"The training in {self.folder} is finished after {self.saved['epoch']} epochs; raise "
                    "train.num_epochs to go on, or start anew with --restart."
                )
                return
            write_text(self.folder / "config.yml", config_to_yaml(self.config))
            self._compile()
            self._fit()

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Order matters: validation adds the values that the later ones monitor; saving comes last."""
        settings = self.config.callbacks
        counted: list[keras.callbacks.Callback] = [LearningRate(self.config.train, self.steps)]
        if settings.reduce_lr_on_plateau.enabled:
            plateau = settings.reduce_lr_on_plateau
            counted.append(
                keras.callbacks.ReduceLROnPlateau(plateau.monitor, plateau.factor, plateau.patience, mode="min")
            )
        if settings.early_stopping.enabled:
            stopping = settings.early_stopping
            counted.append(keras.callbacks.EarlyStopping(stopping.monitor, patience=stopping.patience, mode="min"))
        counted += self._snapshots()
        epoch, step = self.saved.get("epoch", 0), self.saved.get("step", 0)
        history = History(self.folder / "history.csv", self.saved.get("history"))
        saving = SaveState(
            self.state_file,
            counted,
            lambda: {"history": history.rows, "words": self.words, "origin": self._origin()},
            self.config.train.save_every_minutes,
            epoch,
            step,
        )
        validation = ValidationScores(
            PredictorSeq2Seq(self.network, self.config.predict.batch_size),
            self.val_feed,
            self.val_dataset,
            settings.validation,
            self.config.train.num_epochs,
        )
        first = [FeedPosition(self.train_feed, epoch, step), validation]
        if self.saved:
            first.append(RestoreState(self.state_file, counted, self.saved["counters"]))
        progress = Progress(self.words, self.steps, self.config.train.num_epochs, step)
        last = [history, progress, *self._tensorboard(), saving]
        return [*first, *counted, *last]

    def _fit(self) -> None:
        callbacks = self.callbacks()
        epoch, step = self.saved.get("epoch", 0), self.saved.get("step", 0)
        if self.saved:
            log(f"Continuing the training in {self.folder} at step {step} of epoch {epoch + 1}.")
        try:
            with warnings.catch_warnings():
                # A resumed epoch is shorter than the others; Keras takes that for missing data.
                warnings.filterwarnings("ignore", message="Your input ran out of data")
                self.network.model.fit(
                    self.train_feed.dataset(),
                    steps_per_epoch=self.steps,
                    initial_epoch=epoch,
                    epochs=self.config.train.num_epochs,
                    callbacks=callbacks,
                    verbose=0,
                )
        finally:
            callbacks[-1].restore_handlers()

    def _compile(self) -> None:
        train = self.config.train
        optimizer = self.make_optimizer(
            train.optimizer, train.learning_rate, train.weight_decay, train.clip_norm, train.ema_decay
        )
        self.network.compile(optimizer, train.label_smoothing)

    def _snapshots(self) -> list[Snapshot]:
        best, last = self.config.callbacks.model_best_checkpoint, self.config.callbacks.model_last_checkpoint
        origin = self._origin()
        snapshots = []
        if best.enabled:
            snapshots.append(Snapshot(best_folder(self.config), self.network, origin, best.monitor))
        if last.enabled:
            folder = artifact_folder(last.out_file or self.folder / "last")
            snapshots.append(Snapshot(folder, self.network, origin))
        return snapshots

    def _tensorboard(self) -> list[keras.callbacks.Callback]:
        settings = self.config.callbacks.tensorboard
        if not settings.enabled:
            return []
        return [keras.callbacks.TensorBoard(settings.log_dir or str(self.folder / "tensorboard"))]

    def _origin(self) -> dict[str, Any]:
        """What model folders say of their origin."""
        return {
            "labels_file": self.config.labels_file,
            "train_words": self.words,
            "val_words": len(self.val_dataset),
            "licence": self.config.data_licence,
        }

    def _finished(self) -> bool:
        """Whether all epochs are done, or early stopping ended the training."""
        stopped = any(counters.get("stopped_epoch") for counters in self.saved.get("counters", []))
        return stopped or self.saved.get("epoch", 0) >= self.config.train.num_epochs

    def _check_same_training(self) -> None:
        words = self.saved.get("words", self.words)
        if words != self.words and self.saved.get("step"):
            raise UserError(
                f"The training in {self.folder} was saved within an epoch of {words} words, but now there are "
                f"{self.words}; restore the data, or start anew with --restart."
            )


class FeedPosition(keras.callbacks.Callback):
    """Tells the feed where training stands, for the iterators that `fit` asks it for."""

    def __init__(self, feed: Feed, first_epoch: int, first_step: int) -> None:
        super().__init__()
        self.feed = feed
        self.first = (first_epoch, first_step)

    def on_epoch_begin(self, epoch, logs=None):
        self.feed.epoch = epoch
        self.feed.step = self.first[1] if epoch == self.first[0] else 0

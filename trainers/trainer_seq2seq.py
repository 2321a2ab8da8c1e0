"""Trains the sequence-to-sequence network; an interrupted training can be resumed."""

import contextlib
import warnings
from pathlib import Path
from typing import Any

import keras

from base.base_trainer import BaseTrainer
from callbacks.batch_statistics import BatchStatistics, fix_statistics
from callbacks.divergence import StopOnDivergence
from callbacks.evaluation_model import EvaluationModel
from callbacks.history import History
from callbacks.learning_rate import LearningRate
from callbacks.progress_bar import ProgressBar
from callbacks.save_state import RestoreState, SaveState
from callbacks.training_progress import TrainingProgress
from callbacks.training_state import read_progress
from callbacks.validation import ValidationScores
from data_generators.data_generator import DataGenerator
from data_generators.dataset import Dataset
from data_generators.input_pipeline import InputPipeline
from models.model_seq2seq import ModelSeq2Seq
from models.precision import dtype_policy, precision_scope, resolve_precision
from predictors.predictor_seq2seq import PredictorSeq2Seq
from trainers.callback_factory import log_folder, monitoring, reason_to_end, snapshots, tensorboard
from trainers.experiment_folder import HEADER, ExperimentFolder
from trainers.fit_errors import root_cause
from trainers.resume_check import check_resumable, fingerprint_of, resume_position
from trainers.run_info import add_run
from utils.cluster import Cluster
from utils.config.load import config_to_yaml
from utils.config.predict import PredictConfig
from utils.config.schema import Config
from utils.files import write_text
from utils.locks import experiment_lock
from utils.log import log


class TrainerSeq2Seq(BaseTrainer):
    """Runs `fit` according to the config.

    Args:
        experiment: everything that the training writes.
        licence: the terms of its data, for model folders.
        train_generator: training batches, shuffled and augmented.
        val_generator: this process's batches of the validation words that have a teacher-forced loss.
        val_dataset: validation words to decode for CER and WER.
        cluster: the processes and devices that train.
    """

    def __init__(
        self,
        config: Config,
        experiment: ExperimentFolder,
        model: ModelSeq2Seq,
        licence: str,
        train_generator: DataGenerator,
        val_generator: DataGenerator,
        val_dataset: Dataset,
        cluster: Cluster,
    ) -> None:
        self.config = config
        self.model = model
        self.licence = licence
        self.cluster = cluster
        self.precision = resolve_precision(config.train.precision)
        self.evaluation_model = EvaluationModel(model, self.cluster, dtype_policy(self.precision))
        # Early in a training every word is doubtful; none is upside down.
        decoding = PredictConfig(batch_size=config.predict.batch_size, turn_below=0)
        self.predictor = PredictorSeq2Seq(self.evaluation_model.model, decoding)
        self.val_dataset = val_dataset
        self.steps = len(train_generator)
        self.words = train_generator.words_per_epoch
        self.train_pipeline = InputPipeline(train_generator, config.train.num_workers)
        self.val_pipeline = InputPipeline(val_generator, config.train.num_workers, endless=False)
        self.experiment = experiment
        self.fingerprint = fingerprint_of(config, model.tokenizer.charset, self.words, self.steps)
        self.progress = TrainingProgress(fingerprint=self.fingerprint)
        self.recorded = False
        # The first epoch (counted from 0) with fixed statistics of batch norm, of which a network from scratch has none
        # before the end of an epoch.
        least = 0 if config.train.weights_initialization.use_pretrained_weights else 1
        self.first_fixed = max(least, config.train.num_epochs - config.train.fixed_statistics_epochs)

    def train(self) -> None:
        """Trains, or continues from the experiment's saved state.

        Raises UserError if the experiment can't be continued, its folder is in use or the loss diverged, and
        Interrupted, after saving the state, for Ctrl-C or SIGTERM.
        """
        with experiment_lock(self.experiment.path) if self.cluster.is_first else contextlib.nullcontext():
            saved = read_saved(self.experiment.state_file, self.cluster)
            if saved:
                check_resumable(saved, self.fingerprint, self.experiment.path)
                self.progress = resume_position(saved, self.fingerprint)
            if reason := self._reason_to_end():
                log(f"The training in {self.experiment.path} {reason}, or start again with --restart.")
                return
            if not saved:
                self._record()
            self.cluster.check_identical(self.fingerprint.model_dump(), "config or data")
            if (total := self.config.train.num_epochs * self.steps) <= self.config.train.warmup_steps:
                log(
                    f"train.warmup_steps {self.config.train.warmup_steps} are no fewer than the {total} steps of the "
                    "whole training, which stays below train.learning_rate; lower them, or raise train.num_epochs."
                )
            self.compile()
            if saved:
                self._prepare_resuming()
            while not self._reason_to_end():
                self._fit(self._next_stop())
                self.evaluation_model.check_equal()
                # The next `fit` continues from the state saved at the end of this one.
                self.progress = read_saved(self.experiment.state_file, self.cluster) or self.progress

    def _was_warm(self) -> bool:
        """Whether the training, as far as it has come, has passed the warm-up of the learning rate."""
        done = self.progress.epoch * self.progress.fingerprint.steps + self.progress.step
        return done > self.config.train.warmup_steps

    def compile(self) -> None:
        """Gives the network its optimizer and loss."""
        train = self.config.train
        with self.cluster.training_scope():
            self.model.compile(self.make_optimizer(train), train.label_smoothing)
        self.evaluation_model.compile(train.label_smoothing)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns the callbacks in order: validation precedes those that monitor it, saving comes last."""
        train, settings, (epoch, step) = self.config.train, self.config.callbacks, self.progress.position
        was_cosine = self.progress.fingerprint.schedule == "cosine"
        counted = [
            LearningRate(train, self.steps, epoch, step, self._was_warm(), was_cosine),
            *monitoring(settings),
            *snapshots(settings, self.experiment.models, self.evaluation_model, self._origin()),
        ]
        history = History(self.experiment.path, self.progress.history)
        start = self.progress.model_copy(update={"licence": self.licence, "fingerprint": self.fingerprint})
        minutes = train.save_every_minutes
        saving = SaveState(self.experiment.state_file, counted, start, history, minutes, self.steps, self.cluster)
        first: list[keras.callbacks.Callback] = [
            StopOnDivergence(self.steps, step),
            *self._batch_statistics(epoch),
            ValidationScores(
                self.evaluation_model,
                self.predictor,
                self.val_pipeline,
                self.val_dataset,
                settings.validation,
                train.num_epochs,
            ),
        ]
        if any(self.progress.position):
            factor = train.learning_rate / self.progress.fingerprint.learning_rate
            counters = self.progress.counters
            first.append(RestoreState(self.experiment.state_file, counted, counters, factor, not step, self._record))
        if not self.cluster.is_first:
            return [*first, *counted, saving]
        bar = ProgressBar(self.words, self.steps, train.num_epochs, step)
        return [*first, *counted, history, bar, *tensorboard(settings, self.experiment.path), saving]

    def _origin(self) -> dict[str, Any]:
        """Returns the origin of the weights, for model folders."""
        return {
            "labels_file": self.config.labels_file,
            "train_words": self.train_pipeline.generator.shares[0][0],
            "words_per_epoch": self.words,
            "val_words": len(self.val_dataset),
            "licence": self.licence,
        }

    def _reason_to_end(self) -> str | None:
        return reason_to_end(self.config.callbacks, self.config.train.num_epochs, self.progress)

    def _record(self) -> None:
        """Writes config.yml and run.json once; when resuming, only after the saved state was accepted."""
        if self.cluster.is_first and not self.recorded:
            write_text(self.experiment.path / "config.yml", HEADER + config_to_yaml(self.config))
            add_run(self.experiment.path / "run.json")
        self.recorded = True

    def _next_stop(self) -> int:
        """Returns the last epoch (counted from 1) of the next `fit`."""
        epoch, step = self.progress.position
        if step:
            # Keras assumes that all epochs have as many steps as the first, so this one needs its own `fit`.
            return epoch + 1
        return self.first_fixed if epoch < self.first_fixed else self.config.train.num_epochs

    def _fit(self, end: int) -> None:
        """Runs `fit` from the saved position to the end of epoch `end` (counted from 1)."""
        fix_statistics(self.model.encoder, self.progress.epoch >= self.first_fixed)
        # Recompiled by `fit`, when the optimizer has its variables.
        self.model.keras_model.train_function = None
        callbacks = self.callbacks()
        self.train_pipeline.epoch, self.train_pipeline.step = self.progress.position
        try:
            precision, cluster = precision_scope(self.precision), self.cluster.fit_scope()
            with warnings.catch_warnings(), precision, self._root_cause(), cluster:
                # TensorBoard then shows the network in less detail.
                warnings.filterwarnings("ignore", message=".*failed to serialize as JSON")
                # Epochs without validation (callbacks.validation.every_epochs) have no such value.
                warnings.filterwarnings("ignore", message=".*conditioned on metric .* is not available")
                self.model.keras_model.fit(
                    self.train_pipeline.dataset(),
                    steps_per_epoch=self.steps - self.train_pipeline.step,
                    initial_epoch=self.train_pipeline.epoch,
                    epochs=end,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=0,
                )
        finally:
            for callback in callbacks:
                if isinstance(callback, (ProgressBar, SaveState)):
                    callback.close()
        for callback in callbacks:
            if isinstance(callback, SaveState):
                callback.stop_if_asked()

    def _root_cause(self) -> contextlib.AbstractContextManager[None]:
        """Returns a context that raises the cause of a failure of `fit`."""
        logs = log_folder(self.config.callbacks, self.experiment.path)
        return root_cause(self.model.keras_model, (self.train_pipeline, self.val_pipeline), logs)

    def _prepare_resuming(self) -> None:
        """Creates the variables of optimizer and metrics, which `fit` would create too late for restoring."""
        (epoch, step), before = self.progress.position, self.progress.fingerprint
        log(f"Continuing the training in {self.experiment.path} at step {step} of epoch {epoch + 1}.")
        train = self.config.train
        if train.schedule == "cosine" and train.num_epochs != before.num_epochs:
            log(
                f"train.num_epochs was {before.num_epochs} and is {train.num_epochs}: from here on the "
                "learning rate follows the cosine schedule of the new length."
            )
        if keras.backend.backend() == "jax":
            return  # On JAX, `fit` creates them before its first epoch.
        model = self.model.keras_model
        model.optimizer.build(model.trainable_variables)
        with self._root_cause():
            model.evaluate(self.val_pipeline.dataset(), steps=1, verbose=0)

    def _batch_statistics(self, epoch: int) -> list[BatchStatistics]:
        """Returns the callback that recomputes batch norm's statistics, unless they are fixed in `epoch`."""
        batches = self.config.train.statistics_batches
        if not batches or not any(self.config.network.normalized) or epoch >= self.first_fixed:
            return []
        return [BatchStatistics(self.evaluation_model, self.train_pipeline.generator, batches)]


def read_saved(path: Path, cluster: Cluster) -> TrainingProgress | None:
    """Returns the saved progress, if any, the same in all processes; UserError if damaged or of another version."""
    progress = read_progress(path) if cluster.is_first else None
    values = cluster.gather(progress and progress.model_dump())[0]
    return TrainingProgress.model_validate(values) if values else None

"""Trains the sequence-to-sequence network, resumably."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from base.base_data_generator import BaseDataGenerator
from base.base_trainer import BaseTrainer
from callbacks.batch_statistics import BatchStatistics, fix_statistics
from callbacks.divergence import StopOnDivergence
from callbacks.evaluation_model import EvaluationModel
from callbacks.history import History
from callbacks.learning_rate import LearningRate
from callbacks.progress import Progress
from callbacks.save_state import RestoreState, SaveState
from callbacks.training_state import read_progress
from callbacks.validation import ValidationScores
from data_generators.data_generator import DataGenerator
from data_generators.dataset import Dataset
from data_generators.input_pipeline import InputPipeline
from models.model_seq2seq import ModelSeq2Seq
from models.precision import dtype_policy, precision_scope, resolve_precision
from predictors.predictor_seq2seq import PredictorSeq2Seq
from trainers.callback_factory import monitoring, reason_to_end, snapshots, tensorboard
from trainers.experiment_folder import HEADER, state_file
from trainers.out_of_memory import out_of_memory
from trainers.resume_check import check_resumable, identity, resume_position
from trainers.run_info import add_run
from utils.config.load import config_to_yaml
from utils.config.schema import Config
from utils.distributed.cluster import Cluster
from utils.errors import Interrupted, UserError
from utils.files import write_text
from utils.locks import experiment_lock
from utils.log import log
from utils.system import is_out_of_memory


class TrainerSeq2Seq(BaseTrainer):
    """Runs `fit` with everything the config asks for.

    Args:
        train_generator: training batches, shuffled and augmented.
        val_generator: this process' batches of the validation words that have a teacher-forced loss.
        val_dataset: validation words to decode for CER and WER.
        cluster: the processes and devices that train; None: this process alone.
    """

    def __init__(
        self,
        config: Config,
        model: ModelSeq2Seq,
        train_generator: BaseDataGenerator,
        val_generator: DataGenerator,
        val_dataset: Dataset,
        cluster: Cluster | None = None,
    ) -> None:
        self.config = config
        self.model = model
        self.cluster = cluster or Cluster()
        self.precision = resolve_precision(config.train.precision)
        self.evaluation_model = EvaluationModel(model, self.cluster, dtype_policy(self.precision))
        self.predictor = PredictorSeq2Seq(self.evaluation_model.model, config.predict.batch_size)
        self.val_dataset = val_dataset
        self.steps = len(train_generator)
        self.words = train_generator.words_per_epoch
        self.train_pipeline = InputPipeline(train_generator, config.train.num_workers)
        self.val_pipeline = InputPipeline(val_generator, config.train.num_workers, endless=False)
        self.folder = Path(config.experiment_folder)
        self.state_file = state_file(config)
        self.identity = identity(config, model.tokenizer.charset, self.words, self.steps)
        self.saved: dict[str, Any] = {}
        self.recorded = False

    def train(self) -> None:
        """Trains, or continues where the experiment's saved state stands.

        Raises:
            UserError: the experiment can't be continued, its folder is in use, the loss diverged.
            Interrupted: Ctrl-C or SIGTERM; the state is saved.
        """
        with experiment_lock(self.folder) if self.cluster.is_first else contextlib.nullcontext():
            self.saved = self._read_saved()
            check_resumable(self.saved, self.identity, self.folder)
            self.saved = resume_position(self.saved, self.identity)
            if reason := reason_to_end(self.config, self.saved):
                log(f"The training in {self.folder} {reason}, or start anew with --restart.")
                return
            if not self.saved:
                self._record()
            self.cluster.check_identical(self.identity, "config or data")
            self.compile()
            if self.saved:
                self._prepare_resuming()
            while not reason_to_end(self.config, self.saved):
                self._fit(self._next_stop())
                self.evaluation_model.check_equal()
                # What follows is a `fit` of its own, and goes on from the state saved at the end of this one.
                self.saved = self._read_saved()

    def compile(self) -> None:
        """Gives the network its optimizer and loss."""
        train = self.config.train
        with self.cluster.training_scope():
            optimizer = self.make_optimizer(
                train.optimizer, train.learning_rate, train.weight_decay, train.clip_norm, train.ema_decay
            )
            self.model.compile(optimizer, train.label_smoothing)
        self.evaluation_model.compile(train.label_smoothing)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Order matters: validation adds the values that the later ones monitor; saving comes last."""
        settings, train = self.config.callbacks, self.config.train
        epoch, step = self._position()
        counted = [
            LearningRate(train, self.steps, epoch, step),
            *monitoring(self.config),
            *snapshots(self.config, self.evaluation_model, self.words, len(self.val_dataset)),
        ]
        history = History(self.folder, self.saved.get("history"))
        saving = SaveState(
            self.state_file,
            counted,
            lambda: {"history": history.rows, "identity": self.identity},
            train.save_every_minutes,
            self.steps,
            (epoch, step),
            self.cluster,
        )
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
        if self.saved:
            factor = train.learning_rate / self.saved["identity"]["learning_rate"]
            counters = self.saved["counters"]
            first.append(
                RestoreState(self.state_file, counted, counters, factor, anew=not step, then=self._record)
            )
        if not self.cluster.is_first:
            return [*first, *counted, saving]
        progress = Progress(self.words, self.steps, train.num_epochs, step)
        curves = tensorboard(self.config)
        return [*first, *counted, history, progress, *curves, saving]

    def _record(self) -> None:
        """Writes, once, what this run is; of one that goes on when its saved state has turned out to fit."""
        if self.cluster.is_first and not self.recorded:
            write_text(self.folder / "config.yml", HEADER + config_to_yaml(self.config))
            add_run(self.folder / "run.json")
        self.recorded = True

    def _next_stop(self) -> int:
        """The epoch (counted from 1) with whose end the next `fit` ends."""
        epoch, step = self._position()
        if step:
            # Keras takes all epochs to be as long as the first; what is left of this one is a `fit` apart.
            return epoch + 1
        return self._first_fixed() if epoch < self._first_fixed() else self.config.train.num_epochs

    def _first_fixed(self) -> int:
        """The first epoch (counted from 0) with fixed statistics of batch norm."""
        return max(0, self.config.train.num_epochs - self.config.train.fixed_statistics_epochs)

    def _fit(self, end: int) -> None:
        """Runs `fit` from the saved position to the end of epoch `end` (counted from 1)."""
        fix_statistics(self.model.encoder, self._position()[0] >= self._first_fixed())
        self.model.keras_model.train_function = (
            None  # `fit` makes it anew, once the optimizer has its variables.
        )
        callbacks = self.callbacks()
        self.train_pipeline.epoch, self.train_pipeline.step = self._position()
        try:
            with (
                warnings.catch_warnings(),
                precision_scope(self.precision),
                self._explained(),
                self.cluster.fit_scope(),
            ):
                # TensorBoard shows the network in less detail then.
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
                if isinstance(callback, (Progress, SaveState)):
                    callback.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Within the block, errors of Keras and TensorFlow give way to what is behind them."""
        try:
            yield
        except (UserError, Interrupted):
            raise
        except Exception as error:
            cause = self.train_pipeline.error or self.val_pipeline.error or error
            if is_out_of_memory(cause):
                raise out_of_memory(self.model.keras_model, self.train_pipeline.generator) from None
            if cause is error:
                raise
            raise cause from None

    def _read_saved(self) -> dict[str, Any]:
        """What the saved state says, the same for all processes; empty if there is none."""
        progress = read_progress(self.state_file) if self.cluster.is_first else None
        return self.cluster.gather(progress)[0] or {}

    def _position(self) -> tuple[int, int]:
        """Epochs done, and steps done of the next one."""
        return self.saved.get("epoch", 0), self.saved.get("step", 0)

    def _prepare_resuming(self) -> None:
        """Makes the optimizer's and the metrics' variables, which Keras otherwise makes at the first step."""
        epoch, step = self._position()
        log(f"Continuing the training in {self.folder} at step {step} of epoch {epoch + 1}.")
        train, before = self.config.train, self.saved["identity"]
        if train.schedule == "cosine" and train.num_epochs != before["num_epochs"]:
            log(
                f"train.num_epochs was {before['num_epochs']} and is {train.num_epochs}: from here on the "
                "learning rate follows the cosine schedule of the new length."
            )
        if keras.backend.backend() == "jax":
            return  # There `fit` makes them before it begins.
        model = self.model.keras_model
        model.optimizer.build(model.trainable_variables)
        with self._explained():
            model.evaluate(self.val_pipeline.dataset(), steps=1, verbose=0)

    def _batch_statistics(self, epoch: int) -> list[BatchStatistics]:
        """What estimates batch norm's statistics anew, unless they are fixed from `epoch` on."""
        batches = self.config.train.statistics_batches
        if not batches or not any(self.config.network.normalized) or epoch >= self._first_fixed():
            return []
        generator = self.train_pipeline.generator
        return [BatchStatistics(self.evaluation_model, generator, batches)]

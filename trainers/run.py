"""The `--train` job: from a config to a trained model."""

from typing import Any

import keras

from callbacks.training_state import read_progress
from data_generators.dataset import Dataset, open_dataset, read_dataset_labels, with_trainable_labels
from data_generators.generators import training_generator, validation_generator
from data_generators.training_words import open_training_words, training_words
from models.artifact import load_artifact, save_artifact
from models.calibration import read_calibration
from models.description import (
    artifact_folder,
    read_description,
    read_tokenizer,
    trained_folder,
)
from models.model_seq2seq import ModelSeq2Seq
from models.precision import dtype_policy, dtype_scope, resolve_precision
from models.transfer import check_same_shape, extended_charset, load_pretrained
from predictors.calibrate import calibrate_on
from preprocessing.labels import Word
from preprocessing.tokenizer import Tokenizer
from trainers.dry_run import dry_run
from trainers.experiment_folder import check_outputs, check_places, set_aside_old_run, state_file
from trainers.resume_check import saved_charset
from trainers.trainer_seq2seq import TrainerSeq2Seq
from utils.config.schema import Config
from utils.distributed.cluster import Cluster, start_cluster
from utils.errors import Interrupted, UserError
from utils.escaping import one_line
from utils.log import log
from utils.paths import resolve_shipped
from utils.system import keep_freed_memory


def train(config: Config, restart: bool = False) -> None:
    """Trains with `config`, continuing an interrupted training of the same experiment folder."""
    keep_freed_memory()
    cluster = start_cluster(config.train.distribution)
    with cluster.abort_all_on_error():
        trainer = _build(config, restart, cluster)
        with cluster.main_process_first():
            if cluster.is_first:
                set_aside_old_run(config, restart)
                check_places(config)
        try:
            trainer.train()
        except Interrupted as error:
            if restart:
                raise Interrupted(error.signal_number, f"{error} Leave out --restart.") from None
            raise
        with cluster.main_process_first(), cluster.local_scope():
            if cluster.is_first:
                _calibrate(config, trainer.val_dataset)
                _copy_to_output(config)


def dry_run_training(config: Config) -> None:
    """Builds what `train` would train and says what it would take; leaves the experiment folder alone."""
    dry_run(_build(config, restart=False, cluster=Cluster()))


def _build(config: Config, restart: bool, cluster: Cluster) -> TrainerSeq2Seq:
    """Data, network and trainer; every check that needs no training comes before any of it."""
    check_outputs(config)
    if config.train.batch_size % cluster.devices:
        raise UserError(
            f"train.batch_size {config.train.batch_size} is no multiple of the {cluster.devices} devices."
        )
    progress = None if restart or not cluster.is_first else read_progress(state_file(config))
    saved = cluster.gather(progress)[0]
    if not saved:
        _check_start(config)
    keras.utils.set_random_seed(config.seed)
    with cluster.main_process_first():
        labels = read_dataset_labels(config)
        own, additional = training_words(config, labels)
        tokenizer = _tokenizer(config, [*own, *additional], saved)
        train_words, shares = open_training_words(config, own, additional, tokenizer)
        val_words = open_dataset(config, labels.splits["val"], "val")
    val_lessons = cluster.shard(with_trainable_labels(val_words, tokenizer, config))
    policy = dtype_policy(resolve_precision(config.train.precision))
    with cluster.training_scope(), dtype_scope(policy):
        model = ModelSeq2Seq(config.image, config.network, tokenizer)
        if not saved:
            _load_pretrained(config, model)
    log(
        f"Training on {_counted(shares)} words, validating on {len(val_words)}: "
        f"{model.parameter_count / 1e6:.2f} M parameters, {len(tokenizer.charset)} characters."
    )
    stride = model.column_stride
    return TrainerSeq2Seq(
        config,
        model,
        training_generator(config, train_words, shares, tokenizer, stride, cluster),
        validation_generator(config, val_lessons, tokenizer, stride),
        val_words,
        cluster,
    )


def _counted(shares: list[tuple[int, int]]) -> str:
    """`32018 + 16000 (of 160000)` for datasets used whole and in part."""
    return " + ".join(f"{used}" if used == size else f"{used} (of {size})" for size, used in shares)


def _tokenizer(config: Config, words: list[Word], saved: dict[str, Any] | None) -> Tokenizer:
    """The charset of the config, else of the pretrained model, else of the training labels.

    The pretrained model's is extended by the labels', if the config asks for it. A training that goes on
    (`saved`) needs that model no more.
    """
    start = config.train.weights_initialization
    if config.network.charset is None and start.use_pretrained_weights:
        if saved:
            return Tokenizer(saved_charset(saved))
        folder = resolve_shipped(artifact_folder(str(start.restore_from)))
        tokenizer = read_tokenizer(folder, read_description(folder))
        return _extended(tokenizer, _labels(config, words), start.add_characters)
    if config.network.charset is not None:
        return Tokenizer(config.network.charset)
    return Tokenizer.from_labels(_labels(config, words))


def _labels(config: Config, words: list[Word]) -> list[str]:
    """The labels that can be trained on: not those of white space, which a packed dataset doesn't hold."""
    packed = config.train.packed.folder
    return [word.label for word in words if packed or word.label.strip()]


def _extended(tokenizer: Tokenizer, labels: list[str], wanted: bool) -> Tokenizer:
    """The pretrained model's tokenizer with the characters of the labels, or a hint that they are missing."""
    charset = extended_charset(tokenizer.charset, labels)
    new = charset[len(tokenizer.charset) :]
    if new and not wanted:
        log(
            f"The model to start from can't write {one_line(' '.join(new))}; "
            "train.weights_initialization.add_characters=true adds what the training labels have."
        )
    return Tokenizer(charset) if wanted else tokenizer


def _load_pretrained(config: Config, model: ModelSeq2Seq) -> None:
    start = config.train.weights_initialization
    if not start.use_pretrained_weights:
        return
    folder = resolve_shipped(artifact_folder(str(start.restore_from)))
    change = load_pretrained(folder, model)
    log(f"Starting from the weights in {folder}.")
    if change.new or change.dropped:
        new, dropped = (one_line(" ".join(chars)) or "none" for chars in (change.new, change.dropped))
        log(f"{len(change.kept)} characters keep their weights; new: {new}; dropped: {dropped}.")


def _calibrate(config: Config, val_words: Dataset) -> None:
    """Calibrates the experiment's model on the validation words; without that it is a model, too."""
    folder = trained_folder(config)
    # ONNX files are those of an earlier model, if there are any.
    settings = config.predict.model_copy(update={"runtime": "keras"})
    try:
        if folder.exists() and read_calibration(folder, settings) is None:
            log(calibrate_on(folder, val_words, settings, config.labels_file))
    except UserError as error:
        log(f"The model is not calibrated: {error}")


def _copy_to_output(config: Config) -> None:
    """Copies the experiment's model to train.output.output_weights, if that is set."""
    target, best = config.train.output.output_weights, trained_folder(config)
    if target and best.exists():
        model, description = load_artifact(best)
        calibrations = description.get("calibrations", ())
        save_artifact(artifact_folder(target), model, description.get("origin", {}), calibrations)
        log(f"The model is in {artifact_folder(target)}.")


def _check_start(config: Config) -> None:
    """Before any work: the model to start from must be there, and of the config's kind."""
    start = config.train.weights_initialization
    if not start.use_pretrained_weights:
        return
    if not start.restore_from:
        raise UserError(
            "train.weights_initialization.restore_from names no model folder to start from; set it."
        )
    folder = resolve_shipped(artifact_folder(str(start.restore_from)))
    if not folder.exists():
        raise UserError(
            f"train.weights_initialization.restore_from {start.restore_from} does not exist; train it first, "
            "or set train.weights_initialization.use_pretrained_weights=false."
        )
    check_same_shape(folder, config.image, config.network)

"""The `--train` job: from a config to a trained model."""

from pathlib import Path

import keras

from callbacks.training_progress import TrainingProgress
from data_generators.dataset import Dataset, DatasetOptions, open_dataset, with_trainable_labels
from data_generators.generators import training_generator, validation_generator
from data_generators.source import DataSource
from data_generators.training_words import Shares, TrainingWords
from models.model_folder import ModelFolder
from models.model_paths import ModelPaths
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.precision import dtype_policy, dtype_scope, resolve_precision
from models.saving import load_model, save_model
from models.transfer import check_same_shape, extended_charset, load_pretrained
from predictors.calibrate import calibrate_on
from preprocessing.tokenizer import Tokenizer
from trainers.dry_run import dry_run
from trainers.experiment_folder import check_outputs, check_places, set_aside_old_run, state_file
from trainers.trainer_seq2seq import TrainerSeq2Seq, read_saved
from utils.config.schema import Config
from utils.config.train import WeightsInitializationConfig
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
    """Builds what `train` would train and prints what it would take; leaves the experiment folder alone."""
    dry_run(_build(config, restart=False, cluster=Cluster()))


def _build(config: Config, restart: bool, cluster: Cluster) -> TrainerSeq2Seq:
    """Data, network and trainer; every check that needs no training comes before any of it."""
    check_outputs(config)
    if config.train.batch_size % cluster.devices:
        raise UserError(
            f"train.batch_size {config.train.batch_size} is no multiple of the {cluster.devices} devices."
        )
    saved = None if restart else read_saved(state_file(config), cluster)
    # A training that is resumed needs the pretrained model no more.
    pretrained = None if saved else _pretrained_model(config)
    keras.utils.set_random_seed(config.seed)
    with cluster.main_process_first():
        source = DataSource.of(config)
        labels = source.read_labels()
        words = TrainingWords.read(config, labels)
        spec = ModelSpec(
            config.image, config.network, _tokenizer(config, words.characters, saved, pretrained)
        )
        train_words, shares = words.open(spec)
        options = DatasetOptions.of(config)
        val_words = open_dataset(source, labels.splits["val"], "val", config.image, options)
    val_trainable = cluster.shard(with_trainable_labels(val_words, spec))
    policy = dtype_policy(resolve_precision(config.train.precision))
    with cluster.training_scope(), dtype_scope(policy):
        model = ModelSeq2Seq(spec)
        if pretrained:
            _load_pretrained(pretrained, model)
    log(
        f"Training on {_counted(shares)} words, validating on {len(val_words)}: "
        f"{model.parameter_count / 1e6:.2f} M parameters, {len(spec.tokenizer.charset)} characters."
    )
    size, seed = config.train.batch_size, config.seed
    return TrainerSeq2Seq(
        config,
        model,
        training_generator(train_words, shares, spec, config.data_aug, size, seed, cluster),
        validation_generator(val_trainable, spec, size, seed),
        val_words,
        cluster,
    )


def _counted(shares: Shares) -> str:
    """`32018 + 16000 (of 160000)` for datasets used whole and in part."""
    return " + ".join(f"{used}" if used == size else f"{used} (of {size})" for size, used in shares)


def _tokenizer(
    config: Config, characters: set[str], saved: TrainingProgress | None, pretrained: ModelFolder | None
) -> Tokenizer:
    """The tokenizer of the config's charset, else of the pretrained model, else of the training labels.

    Args:
        characters: those of the training labels; they extend the pretrained model's if the config asks for
            it.
    """
    start = config.train.weights_initialization
    if config.network.charset is not None:
        return Tokenizer(config.network.charset)
    if saved and start.use_pretrained_weights:
        return Tokenizer(str(saved.fingerprint.network.get("charset", "")))
    if pretrained:
        return _extended(pretrained.spec.tokenizer, characters, start)
    return Tokenizer.from_labels(characters)


def _extended(tokenizer: Tokenizer, characters: set[str], start: WeightsInitializationConfig) -> Tokenizer:
    """The pretrained model's tokenizer, with the labels' characters added if the config asks for it."""
    charset = extended_charset(tokenizer.charset, characters)
    new = charset[len(tokenizer.charset) :]
    if new and not start.add_characters:
        log(
            f"The model to start from can't write {one_line(' '.join(new))}; "
            "train.weights_initialization.add_characters=true adds the characters of the training labels."
        )
    return Tokenizer(charset) if start.add_characters else tokenizer


def _load_pretrained(folder: ModelFolder, model: ModelSeq2Seq) -> None:
    change = load_pretrained(folder, model)
    log(f"Starting from the weights in {folder.path}.")
    if change.new or change.dropped:
        new, dropped = (one_line(" ".join(chars)) or "none" for chars in (change.new, change.dropped))
        log(f"{len(change.kept)} characters keep their weights; new: {new}; dropped: {dropped}.")


def _pretrained_model(config: Config) -> ModelFolder | None:
    """The model to start from; None if training starts from scratch.

    Raises:
        UserError: it is not named or does not exist, or its network or image geometry differs from the
            config's.
    """
    start = config.train.weights_initialization
    if not start.use_pretrained_weights:
        return None
    if not start.restore_from:
        raise UserError(
            "train.weights_initialization.restore_from names no model folder to start from; set it."
        )
    path = resolve_shipped(Path(start.restore_from))
    if not path.exists():
        raise UserError(
            f"train.weights_initialization.restore_from {start.restore_from} does not exist; train it first, "
            "or set train.weights_initialization.use_pretrained_weights=false."
        )
    folder = ModelFolder(path)
    check_same_shape(folder, config.image, config.network)
    return folder


def _calibrate(config: Config, val_words: Dataset) -> None:
    """Calibrates the experiment's model on the validation words, if it has enough of them."""
    path = ModelPaths.of(config.experiment_folder, config.callbacks).trained
    # ONNX files are those of an earlier model, if there are any.
    settings = config.predict.model_copy(update={"runtime": "keras"})
    try:
        if path.exists() and (folder := ModelFolder(path)).calibration(settings) is None:
            log(calibrate_on(folder, val_words, settings, config.labels_file))
    except UserError as error:
        log(f"The model is not calibrated: {error}")


def _copy_to_output(config: Config) -> None:
    """Copies the experiment's model to train.output.output_weights, if that is set."""
    target = config.train.output.output_weights
    path = ModelPaths.of(config.experiment_folder, config.callbacks).trained
    if target and path.exists():
        folder = ModelFolder(path)
        about = folder.description
        save_model(Path(target), load_model(folder), about.origin, about.calibrations)
        log(f"The model is in {Path(target)}.")

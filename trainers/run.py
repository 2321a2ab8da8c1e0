"""The `--train` job."""

import contextlib
from pathlib import Path

import keras

from callbacks.training_progress import TrainingProgress
from data_generators.data_generator import is_sharded, training_generator, validation_generator
from data_generators.dataset import DatasetOptions, open_dataset, with_trainable_labels
from data_generators.source import DataSource
from data_generators.training_words import Shares, TrainingWords
from models.model_folder import ModelFolder
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.precision import dtype_policy, dtype_scope, resolve_precision
from models.saving import load_model, save_model
from models.transfer import check_same_shape, extended_charset, load_pretrained
from predictors.calibrate import calibrate_on
from preprocessing.tokenizer import Tokenizer
from trainers.dry_run import dry_run
from trainers.experiment_folder import ExperimentFolder, set_aside
from trainers.memory import keep_freed_memory
from trainers.trainer_seq2seq import TrainerSeq2Seq, read_saved
from utils.cluster import Cluster, start_cluster
from utils.config.schema import Config
from utils.config.train import TrainConfig
from utils.errors import Interrupted, UserError
from utils.log import log
from utils.paths import resolve_shipped


def train(config: Config, restart: bool = False) -> None:
    """Trains with `config`, continuing an interrupted training of the same experiment folder."""
    keep_freed_memory()
    cluster = start_cluster(config.train.distribution)
    with cluster.abort_all_on_error():
        experiment = _experiment(config)
        if cluster.is_first:
            experiment.check_free()
        trainer = _build(config, experiment, restart, cluster)
        with cluster.main_process_first():
            if cluster.is_first:
                experiment.set_aside_old_run(restart)
        try:
            trainer.train()
        except (Interrupted, UserError) as error:
            # The same command, with --restart, would set this run aside and start over.
            if not (restart and trainer.recorded):
                raise
            advice = f"{error} Leave out --restart to continue."
            raise (
                Interrupted(error.signal_number, advice) if isinstance(error, Interrupted) else UserError(advice)
            ) from None
        with cluster.main_process_first(), cluster.local_scope():
            if cluster.is_first:
                _calibrate(experiment.models.trained, config)
                _copy_to_output(experiment)


def dry_run_training(config: Config) -> None:
    """Prints the memory and time that `train` would need; decodes images, but leaves the experiment folder alone."""
    if config.train.distribution.strategy != "none":
        raise UserError("--dry_run measures a single device; add --set train.distribution.strategy=none.")
    keep_freed_memory()
    dry_run(_build(config, _experiment(config), restart=False, cluster=Cluster()))


def _experiment(config: Config) -> ExperimentFolder:
    experiment = ExperimentFolder.of(config.experiment_folder, config.callbacks, config.train.output.output_weights)
    experiment.check_outputs()
    return experiment


def _build(config: Config, experiment: ExperimentFolder, restart: bool, cluster: Cluster) -> TrainerSeq2Seq:
    """Makes the other checks, then data, network and trainer."""
    _check_batches(config.train, cluster)
    saved = None if restart else read_saved(experiment.state_file, cluster)
    # A resumed training has its own weights.
    pretrained = None if saved else _pretrained_model(config)
    keras.utils.set_random_seed(config.seed)
    with cluster.main_process_first():
        source = DataSource.of(config)
        labels = source.read_labels()
        words = TrainingWords.read(config, labels)
        spec = ModelSpec(config.image, config.network, _tokenizer(config, words.characters, saved, pretrained))
        train_words, shares = words.open(spec)
        options = DatasetOptions.of(config)
        val_words = open_dataset(source, labels.splits["val"], "val", config.image, options)
    val_trainable = with_trainable_labels(val_words, spec).shard(cluster.index, cluster.number)
    precision = resolve_precision(config.train.precision)
    policy = dtype_policy(precision)
    with cluster.training_scope(), dtype_scope(policy):
        model = ModelSeq2Seq(spec)
        if pretrained:
            _load_pretrained(pretrained, model)
    log(
        f"Training on {_counted(shares)} words, validating on {len(val_words)}: "
        f"{model.parameter_count / 1e6:.2f} M parameters, {len(spec.tokenizer.charset)} characters, "
        f"{precision} on {', '.join(keras.distribution.list_devices())}."
    )
    return TrainerSeq2Seq(
        config,
        experiment,
        model,
        config.data_licence or (saved.licence if saved else pretrained.licence if pretrained else ""),
        training_generator(train_words, shares, spec, config, cluster),
        validation_generator(val_trainable, spec, config.train, config.seed),
        val_words,
        cluster,
    )


def _check_batches(train: TrainConfig, cluster: Cluster) -> None:
    if train.batch_size % cluster.devices:
        raise UserError(f"train.batch_size {train.batch_size} is no multiple of the {cluster.devices} devices.")
    if train.batch_width and is_sharded(cluster):
        raise UserError(
            "train.batch_width needs one process of TensorFlow, where batches may differ in size; set it to 0."
        )


def _counted(shares: Shares) -> str:
    """Returns numbers of words such as `32018 + 16000 (of 160000)`."""
    return " + ".join(f"{used}" if used == size else f"{used} (of {size})" for size, used in shares)


def _tokenizer(
    config: Config, characters: set[str], saved: TrainingProgress | None, pretrained: ModelFolder | None
) -> Tokenizer:
    """Returns a tokenizer for the config's charset, else the pretrained model's, else `characters`.

    Args:
        characters: of the training labels; with `add_characters` they extend the pretrained charset.
    """
    start, direction = config.train.weights_initialization, config.text.direction
    if config.network.charset is not None:
        return Tokenizer(config.network.charset, direction)
    if saved and start.use_pretrained_weights:
        charset = str(saved.fingerprint.network.get("charset", ""))
        # With new characters, `check_resumable` raises its error.
        return Tokenizer(extended_charset(charset, characters) if start.add_characters else charset, direction)
    if not pretrained:
        return Tokenizer.from_labels(characters, direction)
    known = pretrained.spec.tokenizer
    charset = extended_charset(known.charset, characters)
    if start.add_characters:
        return Tokenizer(charset, direction)
    if new := charset[len(known.charset) :]:
        log(
            f"The model to start from can't write {' '.join(new)}; "
            "train.weights_initialization.add_characters=true adds the characters of the training labels."
        )
    return Tokenizer(known.charset, direction)


def _load_pretrained(folder: ModelFolder, model: ModelSeq2Seq) -> None:
    change = load_pretrained(folder, model)
    log(f"Starting from the weights in {folder.path}.")
    if change.new or change.dropped:
        new, dropped = (" ".join(chars) or "none" for chars in (change.new, change.dropped))
        log(f"{len(change.kept)} characters keep their weights; new: {new}; dropped: {dropped}.")


def _pretrained_model(config: Config) -> ModelFolder | None:
    """Returns the model to start from, None for none; raises UserError if it is missing or its weights don't fit."""
    start = config.train.weights_initialization
    if not start.use_pretrained_weights:
        if start.restore_from:
            log("train.weights_initialization.restore_from has no effect: use_pretrained_weights is false.")
        return None
    if not start.restore_from:
        raise UserError("train.weights_initialization.restore_from names no model folder to start from; set it.")
    path = resolve_shipped(Path(start.restore_from))
    if not path.exists():
        raise UserError(
            f"train.weights_initialization.restore_from {start.restore_from} does not exist; train it first, "
            "or set train.weights_initialization.use_pretrained_weights=false."
        )
    folder = ModelFolder(path)
    check_same_shape(folder, config.image, config.network)
    return folder


def _calibrate(path: Path, config: Config) -> None:
    """Calibrates the trained model on the validation words, if there are enough of them."""
    # ONNX files, if there are any, belong to an earlier model.
    settings = config.predict.model_copy(update={"runtime": "keras"})
    try:
        if path.exists() and (folder := ModelFolder(path)).calibration(settings) is None:
            log(calibrate_on(folder, config, settings))
    except UserError as error:
        log(f"The model is not calibrated: {error}")
        _keep_calibration(path, config)


def _keep_calibration(path: Path, config: Config) -> None:
    """Copies the pretrained model's calibration to the trained model, since it is better than none."""
    start = config.train.weights_initialization
    with contextlib.suppress(UserError):  # One of the models may be gone by now.
        if start.use_pretrained_weights and start.restore_from and path.exists():
            before, folder = ModelFolder(resolve_shipped(Path(start.restore_from))), ModelFolder(path)
            for calibration in before.description.calibrations:
                folder.add_calibration(calibration)
            if before.description.calibrations:
                log(f"Its confidences are corrected as those of {before.path}.")


def _copy_to_output(experiment: ExperimentFolder) -> None:
    """Copies the trained model to train.output.output_weights, if that is set; another model there is set aside."""
    if experiment.output and experiment.models.trained.exists():
        folder = ModelFolder(experiment.models.trained)
        about = folder.description
        origin = about.origin
        with contextlib.suppress(UserError):  # no model
            origin = ModelFolder(experiment.output).description.origin
        if origin != about.origin:
            set_aside(experiment.output)
        save_model(experiment.output, load_model(folder), about.origin, about.calibrations)
        log(f"The model is in {experiment.output}.")

"""The `--train` job: from a config to a trained model."""

import time
from pathlib import Path

import keras

from data_generators.data_generator import DataGenerator, train_subset
from data_generators.dataset import learnable, open_dataset, read_dataset_labels
from models.artifact import (
    artifact_folder,
    best_folder,
    last_folder,
    load_artifact,
    load_weights,
    read_description,
    read_tokenizer,
    refuse_released,
    save_artifact,
    trained_folder,
)
from models.model_seq2seq import ModelSeq2Seq
from trainers.dry_run import dry_run
from trainers.trainer_seq2seq import TrainerSeq2Seq
from utils.config_schema import Config
from utils.errors import UserError
from utils.labels import Word
from utils.lock import experiment_lock
from utils.log import log
from utils.places import find
from utils.tokenizer import Tokenizer


def train(config: Config, restart: bool = False) -> None:
    """Trains with `config`, continuing an interrupted training of the same experiment folder."""
    trainer = _build(config, restart)
    trainer.train()
    _copy_to_output(config)


def try_out(config: Config) -> None:
    """Builds what `train` would train and says what it would take; leaves the experiment folder alone."""
    dry_run(_build(config, restart=False))


def _build(config: Config, restart: bool) -> TrainerSeq2Seq:
    """Data, network and trainer; every check that needs no training comes before any of it."""
    _check_outputs(config)
    _check_start(config)
    labels = read_dataset_labels(config)
    keras.utils.set_random_seed(config.seed)
    tokenizer = _tokenizer(config, labels.splits["train"])
    train_words = train_subset(open_dataset(config, labels.splits["train"], "train", tokenizer), config)
    val_words = open_dataset(config, labels.splits["val"], "val")
    network = ModelSeq2Seq(config.image, config.network, tokenizer)
    _load_pretrained(config, network)
    if restart:
        _set_aside(Path(config.experiment_folder))
    log(
        f"Training on {len(train_words)} words, validating on {len(val_words)}: "
        f"{network.parameter_count / 1e6:.2f} M parameters, {len(tokenizer.charset)} characters."
    )
    stride = network.column_stride
    return TrainerSeq2Seq(
        config,
        network,
        DataGenerator(
            config, train_words, tokenizer, stride, use_data_augmentation=config.data_aug.use_data_aug
        ),
        DataGenerator(config, learnable(val_words, tokenizer, config), tokenizer, stride, shuffle=False),
        val_words,
    )


def _tokenizer(config: Config, words: list[Word]) -> Tokenizer:
    """The charset of the config, else of the pretrained model, else of the training labels."""
    start = config.train.weights_initialization
    if config.network.charset is None and start.use_pretrained_weights:
        folder = find(artifact_folder(start.restore_from))
        return read_tokenizer(folder, read_description(folder))
    if config.network.charset is not None:
        return Tokenizer(config.network.charset)
    return Tokenizer.from_labels([word.label for word in words])


def _load_pretrained(config: Config, network: ModelSeq2Seq) -> None:
    start = config.train.weights_initialization
    if not start.use_pretrained_weights:
        return
    folder = find(artifact_folder(start.restore_from))
    load_weights(folder, read_description(folder), network)
    log(f"Starting from the weights in {folder}.")


def _copy_to_output(config: Config) -> None:
    """Copies the experiment's model to train.output.output_weights, if that is set."""
    target, best = config.train.output.output_weights, trained_folder(config)
    if target and best.exists():
        network, description = load_artifact(best)
        save_artifact(artifact_folder(target), network, description["origin"])
        log(f"The model is in {artifact_folder(target)}.")


def _check_outputs(config: Config) -> None:
    """Before any work: training must not be able to end by overwriting a released or its own best model."""
    best, last, output = best_folder(config), last_folder(config), config.train.output.output_weights
    for folder in (best, last, *([artifact_folder(output)] if output else [])):
        refuse_released(folder)
    callbacks = config.callbacks
    both = callbacks.model_best_checkpoint.enabled and callbacks.model_last_checkpoint.enabled
    if both and best.resolve() == last.resolve():
        raise UserError(
            "callbacks.model_best_checkpoint.out_file and callbacks.model_last_checkpoint.out_file "
            f"both mean {best}; name two folders."
        )


def _check_start(config: Config) -> None:
    """Before any work: the model to start from must be there."""
    start = config.train.weights_initialization
    if not start.use_pretrained_weights:
        return
    if not start.restore_from:
        raise UserError(
            "train.weights_initialization.restore_from names no model folder to start from; set it."
        )
    if not find(artifact_folder(start.restore_from)).exists():
        raise UserError(
            f"train.weights_initialization.restore_from {start.restore_from} does not exist; train it first, "
            "or set train.weights_initialization.use_pretrained_weights=false."
        )


def _set_aside(folder: Path) -> None:
    """Renames an experiment folder, so that a fresh run loses nothing of the old one.

    Raises:
        UserError: a training runs in it, or it can't be renamed.
    """
    if not folder.exists():
        return
    with experiment_lock(folder):
        pass
    name = f"{folder.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    taken = sum(1 for other in folder.parent.iterdir() if other.name.startswith(name))
    kept = folder.with_name(f"{name}-{taken + 1}" if taken else name)
    try:
        folder.rename(kept)
    except OSError as error:
        raise UserError(
            f"Can't rename {folder} to keep the old run: {error.strerror}; move it away."
        ) from None
    log(f"The old run is kept in {kept}.")

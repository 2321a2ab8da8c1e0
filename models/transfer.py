"""Starting from the weights of another model, also with another charset: rows by character."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.artifact import load_artifact
from models.description import read_description, read_spec
from models.model_seq2seq import ModelSeq2Seq
from preprocessing.tokenizer import NUM_SPECIAL, normalize_label
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig
from utils.errors import UserError

# What a network may differ in from the model that it starts from: no weight depends on it.
FREE = {"charset", "conv_dropout", "dropout", "max_seq_length", "fixed_seq_length", "loss"}
# How much less probable (as a logarithm) a new character begins than the letter that it begins as. The
# extended model then reads what the old one has read, until training tells them apart.
HANDICAP = 3.0


@dataclass(frozen=True)
class CharsetChange:
    """Characters of a network in terms of the model it starts from."""

    kept: str
    new: str
    dropped: str


def extended_charset(charset: str, labels: Iterable[str]) -> str:
    """`charset` as it is, then the characters of the NFC-normalised labels that it lacks, sorted."""
    return charset + "".join(sorted(set().union(*map(normalize_label, labels)) - set(charset)))


def load_pretrained(folder: Path, network: ModelSeq2Seq) -> CharsetChange:
    """Gives a new network the weights of a model folder; characters keep theirs, wherever they stand.

    In the embedding, the output layer and the CTC head each id has its row. A new character gets a row of
    its own: a copy of its base letter's (`e` for `é`), where the model knows that, else the random one
    that the network was built with; either begins improbable.

    Raises:
        UserError: the folder is no whole model, or of another network or image geometry.
    """
    check_same_shape(folder, network.image, network.network)
    old, _ = load_artifact(folder)
    before, now = old.tokenizer.charset, network.tokenizer.charset
    axes = _character_axes(network)
    sources = _sources(before, now)
    for old_variable, variable in zip(old.keras_model.weights, network.keras_model.weights, strict=True):
        values = keras.ops.convert_to_numpy(old_variable)
        if variable.path in axes:
            drawn = keras.ops.convert_to_numpy(variable)
            values = _rows_by_character(values, drawn, axes[variable.path], sources)
        variable.assign(values)
    return CharsetChange(
        "".join(char for char in now if char in before),
        "".join(char for char in now if char not in before),
        "".join(char for char in before if char not in now),
    )


def check_same_shape(folder: Path, image: ImageConfig, network: NetworkConfig) -> None:
    """Raises UserError, with the first difference, if a model folder's weights are of no use to a network."""
    old = read_spec(folder, read_description(folder))
    for section, before, now in (
        ("image", _image_shape(old.image), _image_shape(image)),
        ("network", _network_shape(old.network), _network_shape(network)),
    ):
        for name, value in now.items():
            if before[name] != value:
                raise UserError(
                    f"The model in {folder}, which training is to start from, has {section}.{name} "
                    f"{before[name]}, the config {value}: make them the same, or train from scratch with "
                    "train.weights_initialization.use_pretrained_weights=false."
                )


def _image_shape(image: ImageConfig) -> dict[str, Any]:
    """What the weights know of images; scale and binarisation may be learned anew."""
    return {
        "image_size.y_size": image.image_size.y_size,
        "image_size.num_channels": image.image_size.num_channels,
        "normalization": image.normalization,
    }


def _network_shape(network: NetworkConfig) -> dict[str, Any]:
    """Everything that decides on the weights, in one spelling for what means the same."""
    values = {name: value for name, value in network.model_dump().items() if name not in FREE}
    # Last, for it may follow latent_dim, which is then the difference to name.
    values.pop("encoder_dim")
    return {
        **values,
        "strides": network.steps,
        "pooling": network.pools,
        "residual": network.residual or [0] * len(network.num_filters),
        "use_batch_norm": network.normalized,
        "encoder_dim": network.encoder_dim or network.latent_dim,
        "ctc_weight": "above 0" if network.ctc_weight else "0",
    }


def _character_axes(network: ModelSeq2Seq) -> dict[str, int]:
    """The variables with a row for each id, by path: the axis that counts ids."""
    decoder = network.decoder
    # A one-hot character picks its row of the LSTM's kernel.
    written = decoder.embedding.embeddings if network.network.embedding_dim else decoder.lstm.cell.kernel
    axes = {written.path: 0}
    for dense in (decoder.dense, *([network.ctc_head.dense] if network.ctc_head else [])):
        axes[dense.kernel.path] = 1
        axes[dense.bias.path] = 0
    return axes


@dataclass(frozen=True)
class _Sources:
    """Which old id each id's row comes from; -1: from none. `new` marks ids of new characters."""

    rows: np.ndarray
    new: np.ndarray


def _sources(before: str, now: str) -> _Sources:
    old = {char: index for index, char in enumerate(before, start=NUM_SPECIAL)}
    rows = [*range(NUM_SPECIAL), *(old.get(char, old.get(_base_letter(char), -1)) for char in now)]
    return _Sources(np.array(rows), np.array([False] * NUM_SPECIAL + [char not in old for char in now]))


def _base_letter(char: str) -> str:
    """`e` for `é`; for a letter without accents itself."""
    return unicodedata.normalize("NFD", char)[0]


def _rows_by_character(old: np.ndarray, drawn: np.ndarray, axis: int, sources: _Sources) -> np.ndarray:
    """The weights of a variable with one row per id.

    Args:
        old: the model's values; drawn: those that the network was built with, of its own size.
        axis: that counts ids.
    """
    values = np.array(drawn)
    known = sources.rows >= 0
    rows = np.moveaxis(values, axis, 0)
    rows[known] = np.moveaxis(old, axis, 0)[sources.rows[known]]
    if old.ndim == 1:
        rows[~known] = old[NUM_SPECIAL:].min()
        rows[sources.new] -= HANDICAP
    return values

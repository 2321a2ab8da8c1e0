"""Transfer of the weights of another model, also to another charset."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from models.model_folder import ModelFolder
from models.model_seq2seq import ModelSeq2Seq
from models.saving import load_model
from preprocessing.tokenizer import NUM_SPECIAL, normalize_label
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig
from utils.errors import UserError

# Settings of the network that no weight depends on.
FREE = {"charset", "conv_dropout", "dropout", "hidden_columns", "max_seq_length", "fixed_seq_length"}
# Initial log-probability of the new characters of a base letter relative to it, so that the extended model first reads
# nearly as the old one.
HANDICAP = 3.0


@dataclass(frozen=True)
class CharsetChange:
    """Characters that the new network keeps from the pretrained model, adds to it or drops."""

    kept: str
    new: str
    dropped: str


def extended_charset(charset: str, labels: Iterable[str]) -> str:
    """Returns `charset` followed by the sorted characters of the NFC-normalised labels that it lacks."""
    return charset + "".join(sorted(set().union(*map(normalize_label, labels)) - set(charset)))


def load_pretrained(folder: ModelFolder, model: ModelSeq2Seq) -> CharsetChange:
    """Loads the weights of a model folder into a new network; each character keeps its weights.

    Residual units that only the new network has start as the identity, so that it first reads as the model does
    (Net2DeeperNet, Chen et al. 2016; zero scale of the last batch norm, Goyal et al. 2017).

    In the embedding, the output layer and the CTC head each id has its row. The row of a new character is a copy of its
    base letter's (`e` for `é`), else the network's random one; both start improbable. `check_same_shape` must have
    accepted the folder. Raises UserError if it is not a complete model.
    """
    old = load_model(folder)
    before, now = old.tokenizer.charset, model.tokenizer.charset
    axes = _character_axes(model)
    old_variables = {variable.path: variable for variable in old.keras_model.weights}
    last_of_units = _last_of_new_units(old.network, model.network)
    for variable in model.keras_model.weights:
        if variable.path not in old_variables:
            # New: the width of located attention, or a residual unit.
            if variable.path in last_of_units:
                variable.assign(keras.ops.zeros_like(variable))
            continue
        values = keras.ops.convert_to_numpy(old_variables[variable.path])
        if variable.path in axes:
            drawn = keras.ops.convert_to_numpy(variable)
            values = _rows_by_character(values, drawn, axes[variable.path], before, now)
        variable.assign(values)
    return CharsetChange(
        "".join(char for char in now if char in before),
        "".join(char for char in now if char not in before),
        "".join(char for char in before if char not in now),
    )


def _last_of_new_units(old: NetworkConfig, new: NetworkConfig) -> set[str]:
    """Returns the paths of the last factors and offsets of the residual units that only `new` has."""
    paths = set()
    for block, (before, now) in enumerate(zip(old.residual_units, new.residual_units, strict=True)):
        last, factor = ("batch_norm", "gamma") if new.normalized[block] else ("conv", "kernel")
        offset = "beta" if new.normalized[block] else "bias"
        for unit in range(before, now):
            paths |= {f"{last}_{block + 1}_{unit}b/{name}" for name in (factor, offset)}
    return paths


def check_same_shape(folder: ModelFolder, image: ImageConfig, network: NetworkConfig) -> None:
    """Raises UserError, with the first difference, if a network can't use the weights of a model folder."""
    old = folder.spec
    for section, before, now in (
        ("image", _image_shape(old.image), _image_shape(image)),
        ("network", _network_shape(old.network), _network_shape(network)),
    ):
        for name, value in now.items():
            if before[name] != value and not (name == "residual" and _only_more(before[name], value)):
                raise UserError(
                    f"The model in {folder.path}, which training is to start from, has {section}.{name} "
                    f"{before[name]}, the config {value}: make them the same, or train from scratch with "
                    "train.weights_initialization.use_pretrained_weights=false."
                )


def _only_more(before: list[int], now: list[int]) -> bool:
    """Whether each block has as many residual units as before, or more."""
    return len(before) == len(now) and all(old <= new for old, new in zip(before, now))


def _image_shape(image: ImageConfig) -> dict[str, Any]:
    """Returns the settings that weights depend on; scale and binarisation can be relearned."""
    return {
        "image_size.y_size": image.image_size.y_size,
        "image_size.num_channels": image.image_size.num_channels,
        "normalization": image.normalization,
    }


def _network_shape(network: NetworkConfig) -> dict[str, Any]:
    """Returns the settings that weights depend on, equal for equivalent spellings."""
    values = {name: value for name, value in network.model_dump().items() if name not in FREE}
    # Last: where it defaults to latent_dim, that is the difference to report.
    values.pop("encoder_dim")
    return {
        **values,
        "strides": network.steps,
        "pooling": network.pools,
        "residual": network.residual_units,
        "use_batch_norm": network.normalized,
        "encoder_dim": network.encoder_units,
        "ctc_weight": "above 0" if network.ctc_weight else "0",
        # Either can start from the other.
        "attention": "luong" if network.attention == "located" else network.attention,
    }


def _character_axes(model: ModelSeq2Seq) -> dict[str, int]:
    """Returns the axis over ids of each variable that has one, by the variable's path."""
    decoder = model.decoder
    # A one-hot character selects its row of the LSTM's kernel.
    inputs = decoder.embedding.embeddings if model.network.embedding_dim else decoder.lstm.cell.kernel
    axes = {inputs.path: 0}
    for dense in (decoder.dense, *([model.ctc_head.dense] if model.ctc_head else [])):
        axes[dense.kernel.path] = 1
        axes[dense.bias.path] = 0
    return axes


def _rows_by_character(old: np.ndarray, drawn: np.ndarray, axis: int, before: str, now: str) -> np.ndarray:
    """Returns the weights of a variable with one row per id along `axis`.

    `old` and `drawn` are the variable in the pretrained and the new network, `before` and `now` the charsets.
    """
    ids = {char: index for index, char in enumerate(before, start=NUM_SPECIAL)}
    base = [unicodedata.normalize("NFD", char)[0] for char in now]
    sources = np.array([*range(NUM_SPECIAL), *(ids.get(char, ids.get(letter, -1)) for char, letter in zip(now, base))])
    known = sources >= 0
    values = np.array(drawn)
    rows = np.moveaxis(values, axis, 0)
    rows[known] = np.moveaxis(old, axis, 0)[sources[known]]
    if old.ndim == 1:
        rows[~known] = old[NUM_SPECIAL:].min()
        added = [letter for char, letter in zip(now, base) if char not in ids]
        rivals = Counter(added)
        # All new characters of one letter together are improbable.
        handicaps = [HANDICAP + math.log(rivals[letter]) for letter in added]
        rows[NUM_SPECIAL:][[char not in ids for char in now]] -= handicaps
    return values

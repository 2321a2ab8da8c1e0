"""Writes and reads model folders with Keras."""

import importlib.metadata
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.calibration import Calibration
from models.model_folder import DESCRIPTION_FILE, Description, ModelFolder, file_digest, refuse_released, remove_unnamed
from models.model_seq2seq import ModelSeq2Seq
from models.weights_file import load_weights, save_weights
from utils.config.network import NetworkConfig
from utils.config.text import TextConfig
from utils.errors import UserError, shorten
from utils.files import atomic_write


def save_model(
    folder: Path, model: ModelSeq2Seq, origin: dict[str, Any], calibrations: Sequence[Calibration] = ()
) -> None:
    """Writes or replaces a model folder; raises UserError if it holds a released model, or can't be written.

    `origin` has the training's data, licence, metrics and the like, `calibrations` those of the same weights.
    """
    refuse_released(folder)
    try:
        replaced = ModelFolder(folder).description.files
    except UserError:
        replaced = []
    # A new name, so that the old files stay valid until model.json is replaced.
    weights = f"model-{time.time_ns():x}.weights.h5"
    with atomic_write(folder / weights) as temporary:
        save_weights(model.bare_model, temporary)
        digest = file_digest(temporary)
    spec = model.spec
    Description(
        weights=weights,
        weights_sha256=digest,
        charset=spec.tokenizer.charset,
        text=TextConfig(direction=spec.tokenizer.direction),
        image=spec.image,
        network=spec.network,
        parameters=model.parameter_count,
        origin=origin,
        versions={name: _version(name) for name in ("keras", "tensorflow", "numpy")},
        calibrations=tuple(calibrations),
        saved=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    ).write(folder)
    remove_unnamed(folder, [weights], replaced)


def load_model(folder: ModelFolder, max_pixels: int | None = None) -> ModelSeq2Seq:
    """Builds the network of a model folder and loads its weights.

    `max_pixels` limits the image files to read, None to the config's default. Raises UserError if the weights are
    missing or damaged, or don't fit the description.
    """
    weights, spec, description = folder.weights(), folder.spec, folder.path / DESCRIPTION_FILE
    if max_pixels is not None:
        spec = spec.with_max_pixels(max_pixels)
    # Checked first, since building a network that is larger than memory would kill the process.
    least = 4 * least_parameters(spec.network, spec.tokenizer.vocabulary_size)
    if least > len(weights):
        raise UserError(
            f"{description} describes a network of {least / 1e6:.1f} MB or more, but weights "
            f"of {len(weights) / 1e6:.1f} MB don't fit; copy the model folder again."
        )
    try:
        model = ModelSeq2Seq(spec)
    except ValueError as error:
        raise UserError(f"{description} describes no possible network: {shorten(error)}.") from None
    try:
        load_weights(model.bare_model, weights)
    except ValueError as error:
        raise UserError(f"The weights in {folder.path} don't fit its network: {shorten(error)}.") from None
    return model


def least_parameters(network: NetworkConfig, vocabulary_size: int) -> int:
    """Returns a lower bound of the number of weights, which includes the largest matrices."""
    filters, latent = network.num_filters, network.latent_dim
    encoder, column = network.encoder_units, network.column_dim or filters[-1]
    directions = 2 if network.bidirectional else 1
    blocks = zip(network.conv_kernels, [1, *filters], filters)
    convolutions = sum(math.prod(kernel) * before * after for kernel, before, after in blocks)
    residual = sum(2 * 9 * units * size * size for units, size in zip(network.residual_units, filters))
    projection = network.column_dim * filters[-1]
    inputs = column + (network.encoder_layers - 1) * directions * encoder
    lstm = directions * 4 * encoder * (inputs + network.encoder_layers * encoder)
    embedding = network.embedding_dim * vocabulary_size
    decoder = 4 * latent * (latent + (network.embedding_dim or vocabulary_size)) + latent * vocabulary_size
    return convolutions + residual + projection + lstm + embedding + decoder


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

"""A trained model as a folder that can be copied and used alone.

It holds weights and `model.json` (`models/description.py`). The latter is replaced last, so a crash
while saving leaves the old pair in place.
"""

import importlib.metadata
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.description import (
    DESCRIPTION_FILE,
    FORMAT,
    checked_content,
    file_digest,
    read_description,
    read_spec,
    refuse_released,
    short,
)
from models.geometry import least_parameters
from models.model_seq2seq import ModelSeq2Seq
from utils.errors import UserError
from utils.files import atomic_write, is_stale, remove_stale, write_json


def save_artifact(
    folder: Path,
    model: ModelSeq2Seq,
    origin: dict[str, Any],
    calibrations: Sequence[dict[str, Any]] = (),
) -> None:
    """Writes or replaces a model folder.

    Args:
        origin: where the weights come from: data, licence, metrics, ...
        calibrations: those of the same weights in another folder (`models/calibration.py`).

    Raises:
        UserError: the folder holds a released model (it has a card), or can't be written.
    """
    refuse_released(folder)
    # A name of its own: the old pair stays valid until model.json is replaced.
    weights = f"model-{time.time_ns():x}.weights.h5"
    with atomic_write(folder / weights) as temporary:
        model.save_weights(temporary)
        digest = file_digest(temporary)
    description = {
        "format": FORMAT,
        "weights": weights,
        "weights_sha256": digest,
        "charset": model.tokenizer.charset,
        "image": model.image.model_dump(),
        "network": model.network.model_dump(),
        "parameters": model.parameter_count,
        "origin": origin,
        "versions": {name: _version(name) for name in ("keras", "tensorflow", "numpy")},
        **({"calibrations": list(calibrations)} if calibrations else {}),
        "saved": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    replaced = _named_before(folder)
    write_json(folder / DESCRIPTION_FILE, description)
    remove_others(folder, [weights], replaced)


def add_onnx(
    folder: Path, description: dict[str, Any], encoder: str, decoder: str, int8: bool = False
) -> None:
    """Names two ONNX files, made of the model's weights and written beside them, in `model.json`.

    Those that it named before are left to `remove_others`.

    A released model may get them too: its weights stay.

    Args:
        description: what `model.json` said when the weights were read.
        int8: whether convolutions are rounded to 8 bits.

    Raises:
        UserError: a training has replaced the model since.
    """
    if read_description(folder) != description:
        raise replaced_meanwhile(folder)
    files = {"encoder": encoder, "decoder": decoder}
    digests = {f"{part}_sha256": file_digest(folder / name) for part, name in files.items()}
    write_json(folder / DESCRIPTION_FILE, {**description, "onnx": {**files, **digests, "int8": int8}})


def replaced_meanwhile(folder: Path) -> UserError:
    """What an export says that comes too late."""
    return UserError(f"The model in {folder} was replaced during the export; export it again.")


def named_files(description: dict[str, Any]) -> list[Any]:
    """Weights and ONNX files that a `model.json` names, which may hold anything."""
    onnx = description.get("onnx")
    parts = [onnx.get("encoder"), onnx.get("decoder")] if isinstance(onnx, dict) else []
    return [description.get("weights"), *parts]


def remove_others(folder: Path, kept: list[str], replaced: list[Any]) -> None:
    """Deletes the files that `model.json` has ceased to name, and what interrupted saves have left.

    Only files of our own naming go, and of the latter only old ones: a new one may be another process'.

    Args:
        kept: names of the files that `model.json` names.
        replaced: those that it named before, as `named_files` tells.
    """
    for ending in ("weights.h5", "onnx"):
        for old in folder.glob(f"model-*.{ending}"):
            if old.name not in kept and (old.name in replaced or is_stale(old)):
                old.unlink(missing_ok=True)
    remove_stale(folder, "model")


def load_artifact(folder: Path) -> tuple[ModelSeq2Seq, dict[str, Any]]:
    """Builds the network of a model folder with its weights; also returns its description.

    Raises:
        UserError: a part is missing, damaged or from another version.
    """
    description = read_description(folder)
    spec = read_spec(folder, description)
    weights = _weights(folder, description)
    # Before it is built: it may be larger than memory.
    least = 4 * least_parameters(spec.network, spec.tokenizer.vocabulary_size)
    if least > len(weights):
        raise UserError(
            f"{folder / DESCRIPTION_FILE} describes a network of {least / 1e6:.1f} MB or more, but weights "
            f"of {len(weights) / 1e6:.1f} MB don't fit; copy the model folder again."
        )
    try:
        model = ModelSeq2Seq(spec.image, spec.network, spec.tokenizer)
    except ValueError as error:
        raise UserError(
            f"{folder / DESCRIPTION_FILE} describes no possible network: {short(error)}."
        ) from None
    _put(weights, folder, description, model)
    return model, description


def _named_before(folder: Path) -> list[Any]:
    try:
        return named_files(read_description(folder))
    except UserError:
        return []


def _weights(folder: Path, description: dict[str, Any]) -> bytes:
    return checked_content(folder, description.get("weights"), description.get("weights_sha256"), "weights")


def _put(weights: bytes, folder: Path, description: dict[str, Any], model: ModelSeq2Seq) -> None:
    try:
        model.load_weights(weights)
    except ValueError as error:
        path = folder / description["weights"]
        raise UserError(f"Weights {path} don't fit this network: {short(error)}.") from None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

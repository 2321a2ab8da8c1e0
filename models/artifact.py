"""A trained model as a folder that can be copied and used alone.

`model.json` holds everything but the weights (geometry, network, charset, origin, metrics) and
names the weights file with its checksum. It is replaced last, so a crash while saving leaves the
old pair in place.
"""

import hashlib
import importlib.metadata
import json
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.model_seq2seq import ModelSeq2Seq
from utils.config_data import Image
from utils.config_schema import Config, Network
from utils.errors import UserError
from utils.files import atomic_write, is_inside, write_json
from utils.tokenizer import Tokenizer

FORMAT = 1
DESCRIPTION_FILE = "model.json"
CARD_FILE = "CARD.md"


def artifact_folder(name: str | Path) -> Path:
    """The model folder that a config value means; the seed project's `.h5` names lose their ending."""
    text = str(name)
    for ending in (".weights.h5", ".h5"):
        if text.endswith(ending):
            return Path(text.removesuffix(ending))
    return Path(text)


def best_folder(config: Config) -> Path:
    """Where the best snapshot of the config's experiment is, or will be."""
    configured = config.callbacks.model_best_checkpoint.out_file
    return artifact_folder(configured or Path(config.experiment_folder) / "best")


def last_folder(config: Config) -> Path:
    """Where the snapshot of the experiment's last epoch is, or will be."""
    configured = config.callbacks.model_last_checkpoint.out_file
    return artifact_folder(configured or Path(config.experiment_folder) / "last")


def trained_folder(config: Config) -> Path:
    """The snapshot that counts as the experiment's model: the best, or the last if no best is kept."""
    return best_folder(config) if config.callbacks.model_best_checkpoint.enabled else last_folder(config)


def save_artifact(folder: Path, network: ModelSeq2Seq, origin: dict[str, Any]) -> None:
    """Writes or replaces a model folder.

    Args:
        origin: where the weights come from: data, licence, metrics, ...

    Raises:
        UserError: the folder holds a released model (it has a card), or can't be written.
    """
    refuse_released(folder)
    # A name of its own: the old pair stays valid until model.json is replaced.
    weights = f"model-{time.time_ns():x}.weights.h5"
    with atomic_write(folder / weights) as temporary:
        network.save_weights(temporary)
        digest = _digest(temporary)
    description = {
        "format": FORMAT,
        "weights": weights,
        "weights_sha256": digest,
        "charset": network.tokenizer.charset,
        "image": network.image.model_dump(),
        "network": network.network.model_dump(),
        "parameters": network.parameter_count,
        "origin": origin,
        "versions": {name: _version(name) for name in ("keras", "tensorflow", "numpy")},
        "saved": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    write_json(folder / DESCRIPTION_FILE, description)
    # Only files of our own naming, hidden ones of interrupted saves included.
    for old in (*folder.glob("model-*.weights.h5"), *folder.glob(".model-*.weights.h5")):
        if old.name != weights:
            old.unlink(missing_ok=True)


def load_artifact(folder: Path) -> tuple[ModelSeq2Seq, dict[str, Any]]:
    """Builds the network of a model folder with its weights; also returns its description.

    Raises:
        UserError: a part is missing, damaged or from another version.
    """
    description = read_description(folder)
    try:
        image = Image.model_validate(description["image"])
        network = Network.model_validate(description["network"])
    except (KeyError, ValidationError) as error:
        raise UserError(
            f"{folder / DESCRIPTION_FILE} is incomplete or of another version: {_short(error)}."
        ) from None
    try:
        model = ModelSeq2Seq(image, network, read_tokenizer(folder, description))
    except ValueError as error:
        raise UserError(
            f"{folder / DESCRIPTION_FILE} describes no possible network: {_short(error)}."
        ) from None
    load_weights(folder, description, model)
    return model, description


def read_tokenizer(folder: Path, description: dict[str, Any]) -> Tokenizer:
    """The tokenizer of a model folder; raises UserError if its charset is missing or no charset."""
    charset = description.get("charset")
    if not isinstance(charset, str):
        raise UserError(f"{folder / DESCRIPTION_FILE} is incomplete: it lacks the charset.")
    return Tokenizer(charset)


def load_weights(folder: Path, description: dict[str, Any], model: ModelSeq2Seq) -> None:
    """Puts the folder's weights into a network of the same shape.

    Raises:
        UserError: weights missing, damaged, or of another network.
    """
    name = description.get("weights")
    if not isinstance(name, str) or Path(name).name != name:
        raise UserError(
            f"{folder / DESCRIPTION_FILE} names no weights file in its folder; copy the folder again."
        )
    path = folder / name
    if not path.is_file():
        raise UserError(f"Model folder {folder} lacks {path.name}; copy the whole folder again.")
    _check_place(path)
    if _digest(path) != description.get("weights_sha256"):
        raise UserError(f"Weights {path} are damaged (checksum differs); copy the whole folder again.")
    try:
        model.load_weights(path)
    except (ValueError, OSError) as error:
        raise UserError(f"Weights {path} don't fit this network: {_short(error)}.") from None


def read_description(folder: Path) -> dict[str, Any]:
    """The content of `model.json`.

    Raises:
        UserError: no model folder, or not readable.
    """
    path = folder / DESCRIPTION_FILE
    _check_place(path)
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} is no model folder ({DESCRIPTION_FILE} is missing); train one or name another."
        ) from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path} is not valid JSON; copy the model folder again.") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise UserError(f"{path} is no model description of format {FORMAT}; use the version that wrote it.")
    return description


def refuse_released(folder: Path) -> None:
    """Raises UserError if `folder` holds a released model, which training must never overwrite."""
    if (folder / CARD_FILE).exists():
        raise UserError(f"{folder} holds a released model ({CARD_FILE}); name another folder to write to.")


def _check_place(path: Path) -> None:
    """Refuses a file that is a link out of its folder, or would never end: the folder may be anybody's."""
    if not is_inside(path, path.parent):
        raise UserError(f"{path} is a link that leads out of the model folder; put the file itself there.")
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is no file; copy the model folder again.")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _short(error: Exception) -> str:
    """The first 200 characters of an error, on one line."""
    return " ".join(str(error).split())[:200]

"""What a model folder says of itself, read without Keras: which folder, `model.json`, its parts.

`model.json` holds everything but the weights (geometry, network, charset, origin, metrics) and
names the weights file, and the ONNX files if there are any, with their checksums.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from preprocessing.tokenizer import Tokenizer
from utils.config.image import ImageConfig
from utils.config.legacy import upgrade_image, upgrade_network
from utils.config.network import NetworkConfig
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import is_inside, open_regular
from utils.paths import resolve_shipped

FORMAT = 1
DESCRIPTION_FILE = "model.json"
# Bytes: nothing is read into memory that can be no part of a model.
LARGEST_DESCRIPTION, LARGEST_FILE = 16_000_000, 4_000_000_000
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


def model_folder(config: Config) -> Path:
    """The model this experiment has trained, else the one that predict.weights_file names.

    Raises:
        UserError: there is neither.
    """
    named = config.predict.weights_file
    own = trained_folder(config)
    # A training makes the folder when it begins, and the model in it at the end of an epoch.
    begun = own.is_dir() and not any(own.iterdir())
    folder = own if (own.exists() and not begun) or not named else resolve_shipped(artifact_folder(named))
    if not folder.exists():
        raise UserError(
            f"There is no trained model: neither {own} nor predict.weights_file ({named}) exists; "
            "train one with --train, or set predict.weights_file to a model folder."
        )
    return folder


def read_description(folder: Path) -> dict[str, Any]:
    """The content of `model.json`.

    Raises:
        UserError: no model folder, or not readable.
    """
    path = folder / DESCRIPTION_FILE
    try:
        description = json.loads(_read(path, LARGEST_DESCRIPTION))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} is no model folder ({DESCRIPTION_FILE} is missing); train one or name another."
        ) from None
    except (ValueError, RecursionError):
        raise UserError(f"{path} is not valid JSON; copy the model folder again.") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise UserError(f"{path} is no model description of format {FORMAT}; use the version that wrote it.")
    if not isinstance(description.get("origin", {}), dict):
        raise UserError(f"{path} is incomplete or of another version: origin must be an object.")
    return description


def refuse_released(folder: Path) -> None:
    """Raises UserError if `folder` holds a released model, which training must never overwrite."""
    if (folder / CARD_FILE).exists():
        raise UserError(f"{folder} holds a released model ({CARD_FILE}); name another folder to write to.")


@dataclass(frozen=True)
class ModelSpec:
    """What a network is made of, weights apart."""

    image: ImageConfig
    network: NetworkConfig
    tokenizer: Tokenizer

    @property
    def column_stride(self) -> int:
        """Pixels of image width per encoder column."""
        return self.network.column_stride


def read_spec(folder: Path, description: dict[str, Any]) -> ModelSpec:
    """Image geometry, network and charset of a model folder; raises UserError if they are incomplete."""
    try:
        image = ImageConfig.model_validate(upgrade_image(description["image"]))
        # How large the files may be that are read is not the model's to say.
        image = image.model_copy(update={"max_pixels": ImageConfig().max_pixels})
        network = NetworkConfig.model_validate(upgrade_network(description["network"]))
    except (KeyError, ValidationError) as error:
        raise UserError(
            f"{folder / DESCRIPTION_FILE} is incomplete or of another version: {short(error)}."
        ) from None
    return ModelSpec(image, network, read_tokenizer(folder, description))


def read_tokenizer(folder: Path, description: dict[str, Any]) -> Tokenizer:
    """The tokenizer of a model folder; raises UserError if its charset is missing or no charset."""
    charset = description.get("charset")
    if not isinstance(charset, str):
        raise UserError(f"{folder / DESCRIPTION_FILE} is incomplete: it lacks the charset.")
    return Tokenizer(charset)


def onnx_files(folder: Path, description: dict[str, Any]) -> tuple[bytes, bytes]:
    """Contents of encoder and decoder of a model folder as ONNX, once their checksums are confirmed.

    Raises:
        UserError: the folder has none, or they are missing or damaged.
    """
    named = description.get("onnx")
    if not isinstance(named, dict):
        raise UserError(f"Model folder {folder} has no ONNX files; write them with --export.")
    encoder, decoder = (
        checked_content(folder, named.get(part), named.get(f"{part}_sha256"), f"ONNX {part}")
        for part in ("encoder", "decoder")
    )
    return encoder, decoder


def checked_content(folder: Path, name: Any, digest: Any, kind: str) -> bytes:
    """What is in a file that `model.json` names, once its checksum is confirmed.

    The file is opened once, so what was checked is what is used, whatever happens to the folder.

    Args:
        kind: what the file holds, for messages.

    Raises:
        UserError: it is not named, not in the folder, missing or damaged.
    """
    if not isinstance(name, str) or Path(name).name != name or "\0" in name:
        raise UserError(
            f"{folder / DESCRIPTION_FILE} names no {kind} file in its folder; copy the folder again."
        )
    path = folder / name
    try:
        content = _read(path, LARGEST_FILE)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"Model folder {folder} lacks {path.name}; copy the whole folder again.") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"The {kind} file {path} is damaged (checksum differs); copy the whole folder again.")
    return content


def _read(path: Path, most: int) -> bytes:
    """The content of a file in a model folder, which may be anybody's.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none.
        UserError: it is a link out of its folder, would never end, has more than `most` bytes, can't be read.
    """
    if not is_inside(path, path.parent):
        raise UserError(f"{path} is a link that leads out of the model folder; put the file itself there.")
    try:
        with open_regular(os.path.realpath(path)) as file:
            content = file.read(most)
            if file.read(1):
                raise UserError(f"{path} has more than {len(content)} bytes; copy the model folder again.")
            return content
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}; copy the model folder again.") from None


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short(error: Exception) -> str:
    """The first 200 characters of an error, on one line."""
    return " ".join(str(error).split())[:200]

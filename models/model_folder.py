"""A trained model as a folder that can be copied and used alone; read without Keras.

It contains weights, ONNX files if the model was exported, and `model.json`: image geometry, network, charset, origin,
calibrations, and the names and checksums of the other files. `model.json` is replaced last, so a crash while saving
leaves the old model in place. Folders may come from anyone: every file is checked.
"""

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.calibration import Calibration, decoding
from models.model_spec import ModelSpec
from preprocessing.tokenizer import Tokenizer
from utils.config.image import ImageConfig
from utils.config.legacy import upgrade_image, upgrade_network
from utils.config.network import NetworkConfig
from utils.config.predict import PredictConfig
from utils.config.text import TextConfig
from utils.errors import UserError, shorten
from utils.files import is_inside, is_stale, open_regular, remove_stale, write_json

DESCRIPTION_FILE = "model.json"
# A model's weights and ONNX files, with the time of writing in their names.
OWN_FILE = re.compile(r"model-[0-9a-f]{16}(\.(encoder|decoder))?\.(weights\.h5|onnx)")
CARD_FILE = "CARD.md"  # marks a released model, which training never overwrites
# Most bytes that are read into memory.
LARGEST_DESCRIPTION, LARGEST_FILE = 16_000_000, 4_000_000_000

FileName = Annotated[str, Field(pattern=r"^[^/\\\x00]+$")]


class OnnxFiles(BaseModel):
    """Names and SHA-256 checksums of the exported encoder and decoder."""

    model_config = ConfigDict(frozen=True)

    encoder: FileName
    decoder: FileName
    encoder_sha256: str
    decoder_sha256: str


class Description(BaseModel):
    """The content of `model.json`; unknown keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: Literal[1] = 1
    weights: FileName
    weights_sha256: str
    charset: str
    text: TextConfig = TextConfig()
    image: ImageConfig
    network: NetworkConfig
    parameters: int | None = None
    origin: dict[str, Any] = {}
    versions: dict[str, str | None] = {}
    onnx: OnnxFiles | None = None
    calibrations: tuple[Calibration, ...] = ()
    saved: str = ""

    _upgrade_image = field_validator("image", mode="before")(upgrade_image)
    _upgrade_network = field_validator("network", mode="before")(upgrade_network)

    @property
    def files(self) -> list[str]:
        """Names of the weights file and the ONNX files."""
        return [self.weights, *([self.onnx.encoder, self.onnx.decoder] if self.onnx else [])]

    def write(self, folder: Path) -> None:
        """Replaces `model.json` atomically; raises UserError if that fails."""
        write_json(folder / DESCRIPTION_FILE, self.model_dump(mode="json"))


class ModelFolder:
    """A model folder; raises UserError if it is none, or if its `model.json` is damaged or of another version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = self._read_description()
        try:
            self.description = Description.model_validate_json(self._content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise UserError(
                f"{path / DESCRIPTION_FILE} is incomplete, damaged or of another version "
                f"({shorten(f'{where}: ' if where else '')}{shorten(first['msg'])}); copy the model folder again."
            ) from None

    @cached_property
    def spec(self) -> ModelSpec:
        """The specification of the network."""
        # The limit on image files belongs to the config, not to the model.
        image = self.description.image.model_copy(update={"max_pixels": ImageConfig().max_pixels})
        tokenizer = Tokenizer(self.description.charset, self.description.text.direction)
        return ModelSpec(image, self.description.network, tokenizer)

    @property
    def licence(self) -> str:
        """The licence terms of the training data; empty if there are none."""
        return str(self.description.origin.get("licence") or "")

    def weights(self) -> bytes:
        """Returns the content of the weights file; raises UserError if it is missing or damaged."""
        return self._checked(self.description.weights, self.description.weights_sha256)

    def onnx(self) -> tuple[bytes, bytes]:
        """Returns the ONNX encoder and decoder; raises UserError if they are missing or damaged."""
        files = self.description.onnx
        if files is None:
            raise UserError(f"Model folder {self.path} has no ONNX files; write them with --export.")
        encoder = self._checked(files.encoder, files.encoder_sha256)
        return encoder, self._checked(files.decoder, files.decoder_sha256)

    def calibration(self, settings: PredictConfig) -> Calibration | None:
        """Returns the calibration for these settings of `predict`, if there is one."""
        wanted = decoding(settings, self.spec.network)
        return next((c for c in self.description.calibrations if c.decoding == wanted), None)

    def add_calibration(self, calibration: Calibration) -> None:
        """Adds a calibration to `model.json`, also of a released model, or replaces one of the same decoding.

        Raises UserError if a training has replaced the model since it was read, or the folder can't be written.
        """
        others = [c for c in self.description.calibrations if c.decoding != calibration.decoding]
        self._update(calibrations=(*others, calibration))

    def add_onnx(self, encoder: str, decoder: str) -> None:
        """Adds two ONNX files, written beside the weights, to `model.json`, and deletes earlier ones.

        Raises UserError if a training has replaced the model since it was read, or the folder can't be written.
        """
        names = {"encoder": encoder, "decoder": decoder}
        digests = {f"{part}_sha256": file_digest(self.path / name) for part, name in names.items()}
        replaced = self.description.files
        self._update(onnx=OnnxFiles(**names, **digests))
        remove_unnamed(self.path, self.description.files, replaced)

    def replaced(self) -> UserError:
        """Returns the error for a model that a training has replaced since it was read."""
        return UserError(f"The model in {self.path} was replaced meanwhile; run the same command again.")

    def _update(self, **changes: Any) -> None:
        if self._read_description() != self._content:
            raise self.replaced()
        self.description = self.description.model_copy(update=changes)
        self.description.write(self.path)
        self._content = self._read_description()

    def _read_description(self) -> bytes:
        try:
            return _read(self.path / DESCRIPTION_FILE, LARGEST_DESCRIPTION)
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{self.path} is no model folder (no {DESCRIPTION_FILE}); train or name one.") from None

    def _checked(self, name: str, digest: str) -> bytes:
        """Returns the content of a file, read once, so that the checked content is the one that is used."""
        path = self.path / name
        try:
            content = _read(path, LARGEST_FILE)
        except (FileNotFoundError, NotADirectoryError):
            if self._read_description() != self._content:
                raise self.replaced() from None
            raise UserError(f"Model folder {self.path} lacks {name}; copy the whole folder again.") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise UserError(f"{path} is damaged (checksum differs); copy the whole folder again.")
        return content


def is_released(folder: Path) -> bool:
    """Whether a folder holds a released model, which training never writes to."""
    return (folder / CARD_FILE).exists()


def refuse_released(folder: Path) -> None:
    """Raises UserError if `folder` holds a released model."""
    if is_released(folder):
        raise UserError(f"{folder} holds a released model ({CARD_FILE}); name another folder to write to.")


def remove_unnamed(folder: Path, kept: list[str], replaced: list[str]) -> None:
    """Deletes the model's files that `model.json` no longer names, and old leftovers of interrupted saves.

    `kept` and `replaced` are the names of the files in the new and in the replaced `model.json`.
    """
    for old in folder.glob("model-*"):
        # Another process may just be writing a recent file.
        is_left = old.name in replaced or (OWN_FILE.fullmatch(old.name) and is_stale(old))
        if is_left and old.name not in kept:
            old.unlink(missing_ok=True)
    remove_stale(folder, "model")


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, most: int) -> bytes:
    """Reads a regular file of at most `most` bytes that is no link out of its folder.

    Raises FileNotFoundError or NotADirectoryError if there is none, UserError if it is something else or can't be read.
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

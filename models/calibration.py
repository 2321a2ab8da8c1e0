"""What a model folder knows of its own confidences: a curve for each way of decoding.

`model.json` keeps the curves beside the weights that they were fitted for; saving other weights drops them.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from base.base_predictor import Prediction
from metrics.calibration import calibrate
from models.description import DESCRIPTION_FILE, read_description, read_spec, short
from utils.config.network import NetworkConfig
from utils.config.predict import PredictConfig
from utils.errors import UserError
from utils.files import write_json

# Of `predict`, what decides which text is given: another value gives other confidences, too.
DECIDING: dict[str, tuple[str, ...]] = {
    "greedy": ("ctc_weight",),
    "beam": ("length_penalty", "ctc_weight"),
    "lexicon": ("length_penalty", "ctc_weight", "lexicon"),
}

Finite = Annotated[float, Field(allow_inf_nan=False)]
Rising = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Curve = tuple[Rising, Rising, Finite]


class Calibration(BaseModel):
    """Curves (`utils.calibration.calibrate`) for the confidences of one way of decoding.

    Attributes:
        decoding: the way, as `decoding` tells it.
        words, characters: the curves.
        fitted_on: which words, how many, and the calibration errors on them; for the reader.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoding: dict[str, Any]
    words: Curve
    characters: Curve
    fitted_on: dict[str, Any] = {}

    def apply(self, prediction: Prediction) -> Prediction:
        """The prediction with calibrated confidences; its own word confidence becomes `raw_confidence`.

        What the first reading leaves is shared by the other alternatives as the network shares it.
        """
        raw = prediction.confidence
        confidence = float(calibrate(np.array(raw), self.words))
        share = min(1.0, (1 - confidence) / max(1 - raw, 1e-9))
        rest = prediction.alternatives[1:]
        characters = calibrate(np.array(prediction.character_confidences), self.characters)
        return replace(
            prediction,
            confidence=confidence,
            character_confidences=tuple(characters.tolist()),
            alternatives=(
                *((text, confidence) for text, _ in prediction.alternatives[:1]),
                *((text, share * probability) for text, probability in rest),
            ),
            raw_confidence=raw,
        )


def decoding(settings: PredictConfig, network: NetworkConfig) -> dict[str, Any]:
    """What decides which texts a decoder gives, as JSON; calibrations are told apart by it."""
    values = settings.model_dump(include=set(DECIDING[settings.decoder]))
    if not network.ctc_weight and "ctc_weight" in values:
        values["ctc_weight"] = 0.0  # without a CTC head the setting has no effect
    if settings.views > 1:
        values |= {"views": settings.views, "views_below": settings.views_below}
    return {"decoder": settings.decoder, **values}


def read_calibration(folder: Path, settings: PredictConfig) -> Calibration | None:
    """The model folder's calibration for these settings of `predict`; None if it has none for them.

    Raises:
        UserError: no model folder, or a damaged one.
    """
    description = read_description(folder)
    wanted = decoding(settings, read_spec(folder, description).network)
    for calibration in _calibrations(folder, description):
        if calibration.decoding == wanted:
            return calibration
    return None


def add_calibration(folder: Path, description: dict[str, Any], calibration: Calibration) -> None:
    """Writes a calibration into `model.json`; one of the same decoding gives way to it.

    A released model may get one, too: its weights stay.

    Args:
        description: what `model.json` said when the weights were read.

    Raises:
        UserError: a training has replaced the model since, or the folder can't be written.
    """
    if read_description(folder) != description:
        raise UserError(f"The model in {folder} was replaced during the calibration; calibrate it again.")
    others = [c for c in _calibrations(folder, description) if c.decoding != calibration.decoding]
    dumped = [c.model_dump(mode="json") for c in (*others, calibration)]
    write_json(folder / DESCRIPTION_FILE, {**description, "calibrations": dumped})


def _calibrations(folder: Path, description: dict[str, Any]) -> Iterable[Calibration]:
    entries = description.get("calibrations", [])
    try:
        return [Calibration.model_validate(entry) for entry in entries]
    except (ValidationError, TypeError) as error:
        raise UserError(
            f"The calibrations in {folder / DESCRIPTION_FILE} are damaged: {short(error)}; "
            "copy the model folder again."
        ) from None

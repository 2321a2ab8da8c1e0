"""The calibration curves of a model, one pair for each way of decoding."""

import contextlib
import hashlib
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from base.base_predictor import Prediction
from metrics.calibration import calibrate
from utils.config.network import NetworkConfig
from utils.config.predict import PredictConfig
from utils.files import open_regular

# The keys of `predict` that influence the text, and so the confidences, of each decoder.
DECIDING: dict[str, tuple[str, ...]] = {
    "greedy": ("ctc_weight",),
    "beam": ("length_penalty", "ctc_weight"),
    "lexicon": ("length_penalty", "ctc_weight", "lexicon"),
}

Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Curve = tuple[NotNegative, NotNegative, Finite]


class Calibration(BaseModel):
    """Curves (`metrics.calibration.calibrate`) for the confidences of one way of decoding.

    Attributes:
        decoding: the result of `decoding` below.
        words, characters: the curves.
        lines: the curve of texts with a space, if there were enough: their confidence is the product of many.
        fitted_on: number of words and calibration errors of the fit, for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoding: dict[str, Any]
    words: Curve
    characters: Curve
    lines: Curve | None = None
    fitted_on: dict[str, Any] = {}

    def apply(self, prediction: Prediction) -> Prediction:
        """Returns the prediction with calibrated confidences, and its own one as `raw_confidence`.

        The probability that remains for the other alternatives keeps the network's proportions.
        """
        raw, first = prediction.confidence, prediction.alternatives[:1]
        curve = self.lines if self.lines and " " in prediction.text else self.words
        confidence = float(calibrate(np.array(raw), curve))
        share = min(1.0, (1 - confidence) / max(1 - raw, 1e-9))
        characters = calibrate(np.array(prediction.character_confidences), self.characters)
        return replace(
            prediction,
            confidence=confidence,
            character_confidences=tuple(characters.tolist()),
            alternatives=(
                *((text, confidence) for text, _ in first),
                # Alternatives that were no surer than the first stay so.
                *(
                    (text, min(share * probability, confidence) if probability <= raw else share * probability)
                    for text, probability in prediction.alternatives[1:]
                ),
            ),
            raw_confidence=raw,
        )


def decoding(settings: PredictConfig, network: NetworkConfig) -> dict[str, Any]:
    """Returns the settings that decide which text is decoded, as JSON values: the key of a calibration."""
    values = settings.model_dump(include=set(DECIDING[settings.decoder]))
    if not network.ctc_weight and "ctc_weight" in values:
        values["ctc_weight"] = 0.0  # It has no effect without a CTC head.
    if settings.decoder == "lexicon" and settings.lexicon.file:
        # By its content: another path may hold the same words, and a released model must name none.
        # An error is named where the lexicon is read.
        with contextlib.suppress(OSError), open_regular(settings.lexicon.file) as file:
            values["lexicon"]["file"] = hashlib.sha256(file.read()).hexdigest()
    if settings.views > 1:
        values |= {"views": settings.views, "views_below": settings.views_below}
    if settings.characters:
        values["characters"] = settings.characters
    return {"decoder": settings.decoder, **values}

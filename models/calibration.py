"""The calibration curves of a model, one pair for each way of decoding."""

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from base.base_predictor import Prediction
from metrics.calibration import calibrate
from utils.config.network import NetworkConfig
from utils.config.predict import PredictConfig

# The keys of `predict` that decide on the text: other values give other confidences, too.
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
        decoding: the decoder and its settings, as `decoding` gives them.
        words, characters: the curves.
        fitted_on: the words of the fit and the calibration errors on them, for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoding: dict[str, Any]
    words: Curve
    characters: Curve
    fitted_on: dict[str, Any] = {}

    def apply(self, prediction: Prediction) -> Prediction:
        """The prediction with calibrated confidences; its own word confidence becomes `raw_confidence`.

        The probability that the first reading leaves is divided among the other alternatives in the
        network's proportions.
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
    """The settings that decide which text a decoder gives, as JSON values; the key of a calibration."""
    values = settings.model_dump(include=set(DECIDING[settings.decoder]))
    if not network.ctc_weight and "ctc_weight" in values:
        values["ctc_weight"] = 0.0  # without a CTC head the setting has no effect
    if settings.views > 1:
        values |= {"views": settings.views, "views_below": settings.views_below}
    return {"decoder": settings.decoder, **values}

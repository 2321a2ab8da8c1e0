"""Test-time augmentation: a word is read in several views, which vote on its text."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from base.base_predictor import Prediction
from data_generators.geometric_augmentation import slant_and_zoom
from preprocessing.batch import widen
from utils.config.image import ImageConfig

# Slant to the right in degrees, zoom, and strength of sharpening, of the second and further views: for each number of
# views nearly the best on IAM validation words (docs/RESULTS.md).
VIEWS = ((0.0, 1.15, 0.0), (-5.0, 0.9, 0.0), (-5.0, 1.0, 0.0), (8.0, 1.0, 0.0), (0.0, 1.0, 2.0), (0.0, 1.1, 2.0))
# Standard deviation, in pixels, of the blur that sharpening subtracts: about half a stroke's width.
SOFT = 2.0


def augmented_views(word: np.ndarray, number: int, image: ImageConfig) -> list[np.ndarray]:
    """Returns the first `number` of VIEWS of a word image, uint8 (height, width) or (height, width, 3)."""
    widest = image.image_size.x_size
    views = [sharpen(slant_and_zoom(word, slant, zoom, widest), strength) for slant, zoom, strength in VIEWS[:number]]
    return [widen(view, widest) for view in views] if image.fixed_width else views


def sharpen(image: np.ndarray, strength: float) -> np.ndarray:
    """Returns a uint8 image whose edges are steeper by unsharp masking; 0 changes nothing."""
    if not strength:
        return image
    sharp = cv2.addWeighted(image, 1 + strength, cv2.GaussianBlur(image, (0, 0), SOFT), -strength, 0)
    return sharp.reshape(image.shape)


def vote(readings: Sequence[Prediction], n_best: int = 1) -> Prediction:
    """Returns the text with the largest mean confidence among the readings of one word's views.

    That mean is its confidence; the confidences of the characters are those of its most confident reading. Of equally
    confident texts, the first wins. Alternatives don't vote, so that their number changes nothing. With `n_best` above
    1 the result has as many of them at most: those of the readings, or, where these have none, the texts of the other
    readings; each has its mean confidence, but none above the result's.
    """
    votes = _means([((reading.text, reading.confidence),) for reading in readings])
    winner = max(votes, key=votes.__getitem__)
    best = max((reading for reading in readings if reading.text == winner), key=lambda r: r.confidence)
    if n_best == 1:
        return replace(best, confidence=votes[winner], alternatives=())
    means = _means([reading.alternatives or ((reading.text, reading.confidence),) for reading in readings])
    others = sorted((-min(mean, votes[winner]), text) for text, mean in means.items() if text != winner)
    ranked = ((winner, votes[winner]), *((text, -mean) for mean, text in others))
    return replace(best, confidence=votes[winner], alternatives=ranked[:n_best])


def _means(readings: Sequence[Sequence[tuple[str, float]]]) -> dict[str, float]:
    """Returns the mean confidence of each text, 0 in readings that don't have it; in the order of their first."""
    means: dict[str, float] = {}
    for reading in readings:
        for text, confidence in reading:
            means[text] = means.get(text, 0.0) + confidence / len(readings)
    return means

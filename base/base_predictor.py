"""Running a model over any number of images, in batches of similar widths."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Prediction:
    """A word as read.

    Attributes:
        text: what the model reads.
        confidence: probability that the text is right, 0 to 1. In a calibrated model (`--calibrate`) it holds
            on average: of words with confidence 0.8 four in five are right.
        character_confidences: the same of each character that was written, before NFC joins any in `text`.
        alternatives: the n best readings with their confidences, this one first; empty where only one was
            asked for. They are in the decoder's order: with a lexicon it is not that of confidence.
        raw_confidence: what the network itself says, the product over the characters and the end; None where
            `confidence` is that.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]
    alternatives: tuple[tuple[str, float], ...] = ()
    raw_confidence: float | None = None


class BasePredictor(ABC):
    """Batches images; subclasses decode a batch."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    @abstractmethod
    def predict_batch(self, images: list[np.ndarray]) -> list[Prediction]:
        """Reads word images (uint8, one height, any widths)."""

    def predict(
        self, widths: np.ndarray, image: Callable[[int], np.ndarray]
    ) -> Iterator[tuple[int, Prediction]]:
        """Reads images narrow to wide, so that batches need little padding.

        Args:
            widths: (n,) width of each image.
            image: gives image i; called when its batch is due, so memory stays that of a batch.

        Yields:
            index and prediction, in the order of reading.
        """
        order = np.argsort(widths, kind="stable")
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield from zip(map(int, chosen), self.predict_batch([image(int(i)) for i in chosen]))

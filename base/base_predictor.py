"""Reads any number of images in batches of similar widths."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

# Pixels of width up to which batches hold `batch_size` images.
WIDE = 320


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted word.

    Attributes:
        text: the predicted text.
        confidence: probability that the text is right, 0 to 1. After `--calibrate` it holds on average: of the words
            with confidence 0.8 four in five are right.
        character_confidences: the same for each predicted character, before NFC composes any in `text`.
        alternatives: the n best readings with their confidences, this one first, in the decoder's order (with a lexicon
            not that of confidence); empty unless predict.n_best is set, and with greedy then for words read only once.
        raw_confidence: the network's own probability, the product over the characters and the end; None where
            `confidence` is that.
        upside_down: whether the image was read upside down.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]
    alternatives: tuple[tuple[str, float], ...] = ()
    raw_confidence: float | None = None
    upside_down: bool = False


def is_doubtful(confidence: float | None, min_confidence: float | None) -> bool:
    """Returns whether a confidence is below the limit; without the one or the other it is not."""
    return confidence is not None and min_confidence is not None and confidence < min_confidence


class BasePredictor(ABC):
    """Batches images; subclasses decode a batch."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    @abstractmethod
    def predict_batch(self, images: list[np.ndarray]) -> list[Prediction]:
        """Reads word images (uint8, one height, any widths)."""

    def batch_length(self, widest: int) -> int:
        """Returns how many images of a width are read at once: lines, which are wider, take as much more memory."""
        return max(1, self.batch_size * WIDE // max(WIDE, widest))

    def predict(self, widths: np.ndarray, image: Callable[[int], np.ndarray]) -> Iterator[tuple[int, Prediction]]:
        """Reads images narrow to wide, so that batches need little padding.

        Args:
            widths: (n,) width of each image in pixels.
            image: returns image i; called only for the current batch, to save memory.

        Yields:
            index and prediction, in the order of reading.
        """
        order = np.argsort(widths, kind="stable")
        start = 0
        while start < len(order):
            chosen = order[start : start + self.batch_size]
            chosen = chosen[: self.batch_length(int(widths[chosen[-1]]))]
            start += len(chosen)
            yield from zip(map(int, chosen), self.predict_batch([image(int(i)) for i in chosen]))

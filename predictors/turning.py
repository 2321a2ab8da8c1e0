"""Finds upside-down words by the surer of two readings, given how many other words of the batch are upside down.

The share of such words in a batch is estimated by expectation maximisation (Saerens et al. 2002): a word alone needs
clear evidence, an unsure one of many that lie alike needs little.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from base.base_predictor import Prediction

LONG = 24  # characters; of a longer text the confidence of so many counts, for the product of many is always small
SUPPOSED = 1 / 6  # share upside down before anything is read: a word alone is turned if the odds are five times better
FEW = 8  # fewest words from which the share is estimated; also the number read upside down at a time
MANY = 0.25  # share from which on sure words are read upside down, too
ROUNDS = 20

Read = Callable[[list[np.ndarray]], list[Prediction]]


def turn_upside_down(images: list[np.ndarray], readings: list[Prediction], read: Read, below: float) -> None:
    """Replaces images and readings by those upside down, where these are clearly surer.

    Also where the upright reading is unsure and many other words are upside down.

    The least sure are read upside down first, FEW at a time, until none of them improves: in difficult
    hands nearly all lines are unsure, and reading all of them twice would double the time.

    Args:
        images: word images uint8 (height, width) or (height, width, 3), replaced in place.
        readings: of `images`, replaced in place.
        read: reads word images once.
        below: sureness below which a word is read upside down, too.
    """
    turned: dict[int, tuple[np.ndarray, Prediction]] = {}
    # How many times better the odds of each word are upside down; 0 where it was not read so.
    gains = np.zeros(len(images))

    def read_turned(chosen: Sequence[int]) -> None:
        upside_down = [np.ascontiguousarray(images[i][::-1, ::-1]) for i in chosen]
        for i, image, reading in zip(chosen, upside_down, read(upside_down) if upside_down else ()):
            turned[i] = image, reading
            gains[i] = _odds(reading) / _odds(readings[i])

    sure = [sureness(reading) for reading in readings]
    unsure = sorted((i for i, value in enumerate(sure) if value < below), key=sure.__getitem__)
    for start in range(0, len(unsure), FEW):
        group = unsure[start : start + FEW]
        read_turned(group)
        if SUPPOSED * gains[group].max() <= 1 - SUPPOSED:
            break
    if turned and upside_down_share(gains) > MANY:
        read_turned([i for i in range(len(images)) if i not in turned])
    share = upside_down_share(gains)
    # However the others lie, a sure reading is not replaced by one that is less so.
    may_turn = (gains > 1) | (np.array(sure) < below)
    for i in np.flatnonzero(may_turn & (share * gains > 1 - share)).tolist():
        image, reading = turned[i]
        images[i], readings[i] = image, replace(reading, upside_down=True)


def upside_down_share(gains: np.ndarray) -> float:
    """Returns the share of words upside down, given how many times better the odds of each are so; SUPPOSED for few."""
    share = SUPPOSED
    if len(gains) >= FEW:
        for _ in range(ROUNDS):
            # As if one more word had been seen, so that no share is 0 or 1.
            share = (SUPPOSED + (share * gains / (share * gains + 1 - share)).sum()) / (len(gains) + 1)
    return share


def sureness(reading: Prediction) -> float:
    """Returns the confidence of a reading, as `for_length`."""
    return for_length(reading.confidence, len(reading.character_confidences))


def for_length(confidence: float, length: int) -> float:
    """Returns the confidence of a text of `length` characters, of one longer than LONG that of LONG of them."""
    return confidence ** (LONG / max(LONG, length))


def _odds(reading: Prediction) -> float:
    return max(sureness(reading), 1e-9) / max(1 - sureness(reading), 1e-9)

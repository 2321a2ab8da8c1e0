"""Whether confidences can be believed, and the curve that makes them so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

# Nearer to 0 and 1 a float32 probability says nothing, and its logarithm would outweigh all other words.
SMALLEST, LARGEST = 1e-9, 1 - 1e-7


@dataclass(frozen=True)
class Bin:
    """The words whose confidence lies in (low, high]; the first bin has 0 too.

    Attributes:
        confidence: mean confidence of its words; accuracy: share of them read right. Both 0 if it has none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_bins(confidences: Iterable[float], right: Iterable[bool], number: int = 10) -> list[Bin]:
    """Words by confidence, in `number` bins of equal width, low to high."""
    counts, hits, totals = [0] * number, [0] * number, [0.0] * number
    for confidence, is_right in zip(confidences, right, strict=True):
        # Upper edges belong to their bin, as in Guo et al. 2017.
        index = next(i for i in range(number) if confidence <= (i + 1) / number or i == number - 1)
        counts[index] += 1
        totals[index] += confidence
        hits[index] += is_right
    return [
        Bin(i / number, (i + 1) / number, count, totals[i] / max(1, count), hits[i] / max(1, count))
        for i, count in enumerate(counts)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and accuracy, weighed by words, 0 to 1 (Guo et al. 2017, eq. 3)."""
    words = sum(part.count for part in bins)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / max(1, words)


def calibration_error(confidences: Iterable[float], right: Iterable[bool]) -> float:
    """The expected calibration error in ten bins."""
    return expected_calibration_error(calibration_bins(confidences, right))


def errors_found(confidences: ArrayLike, right: ArrayLike, share: float = 0.2) -> float:
    """Which part of all errors the `share` of words with the least confidence holds; nan without errors.

    Args:
        confidences, right: (n,), of each word 0 to 1, and whether it is read without an error.
    """
    wrong = ~np.asarray(right, bool)
    if not wrong.any():
        return float("nan")
    least = np.argsort(np.asarray(confidences), kind="stable")[: round(share * len(wrong))]
    return float(wrong[least].sum() / wrong.sum())


def calibrate(confidences: np.ndarray, curve: Sequence[float]) -> np.ndarray:
    """Confidences (n,) as beta calibration makes them (Kull et al. 2017, eq. 9).

    Args:
        curve: a, b, c of log odds = a log p - b log(1 - p) + c; with a, b >= 0 the order of words stays.
            1, 1, 0 leaves confidences as they are; a = b, c = 0 is a temperature 1 / a on the log odds.
    """
    return _sigmoid(_terms(confidences) @ np.asarray(curve, float))


def fit_curve(confidences: ArrayLike, right: ArrayLike) -> tuple[float, float, float]:
    """The a, b, c of `calibrate` for which the confidences of these words fit best.

    That is the least cross-entropy, with targets that allow for one more word of each kind (Platt 1999)
    and a prior that holds a, b, c near 1, 1, 0 while there are few words.

    Args:
        confidences, right: (n,), of each word 0 to 1, and whether it is read without an error.
    """
    terms, hits = _terms(np.asarray(confidences)), np.asarray(right, bool)
    targets = np.where(hits, (hits.sum() + 1) / (hits.sum() + 2), 1 / ((~hits).sum() + 2))
    free = [0, 1, 2]
    while True:
        curve = _least_cross_entropy(terms, targets, free)
        negative = [i for i in (0, 1) if curve[i] < 0]
        if not negative:
            return float(curve[0]), float(curve[1]), float(curve[2])
        # Confidence must not fall with probability; as in the paper, the rest is fitted without that term.
        free = [i for i in free if i not in negative]


def _least_cross_entropy(terms: np.ndarray, targets: np.ndarray, free: list[int]) -> np.ndarray:
    """Newton's method with halved steps; coefficients that are not free are 0."""
    prior = np.array([1.0, 1.0, 0.0])
    terms, prior = terms[:, free], prior[free]

    def cost(weights: np.ndarray) -> float:
        odds = terms @ weights
        return float((np.logaddexp(0, odds) - targets * odds).sum() + 0.5 * ((weights - prior) ** 2).sum())

    weights = prior
    for _ in range(50):
        p = _sigmoid(terms @ weights)
        gradient = terms.T @ (p - targets) + weights - prior
        hessian = (terms * (p * (1 - p))[:, None]).T @ terms + np.eye(len(free))
        step = np.linalg.solve(hessian, gradient)
        while np.abs(step).max() > 1e-9 and cost(weights - step) > cost(weights):
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < 1e-7:
            break
    curve = np.zeros(3)
    curve[free] = weights
    return curve


def _terms(confidences: np.ndarray) -> np.ndarray:
    """(n, 3): log p, -log(1 - p), 1"""
    p = np.clip(np.asarray(confidences, float), SMALLEST, LARGEST)
    return np.stack([np.log(p), -np.log1p(-p), np.ones_like(p)], axis=-1)


def _sigmoid(odds: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -odds))

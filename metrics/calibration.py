"""Calibration of confidences: how reliable they are, and the curve that corrects them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

# Limits of float32 probabilities: closer to 0 and 1 they are not exact, and their logarithms would outweigh all other
# words.
SMALLEST, LARGEST = 1e-9, 1 - 1e-7
BINS = 10
LEAST_SURE = 0.2


@dataclass(frozen=True)
class Bin:
    """The words whose confidence lies in (low, high]; the first bin includes 0.

    `confidence` is their mean confidence, `accuracy` the share of them that are right; both are 0 if there are none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_bins(confidences: Iterable[float], right: Iterable[bool]) -> list[Bin]:
    """Counts words by confidence, in BINS bins of equal width, low to high (Guo et al. 2017)."""
    values, hits = np.array(list(confidences), float), np.array(list(right), float)
    edges = [i / BINS for i in range(BINS + 1)]
    # Upper edges belong to their bin.
    places = np.searchsorted(edges[1:-1], values, side="left")
    counts, totals, hits = (np.bincount(places, weights, BINS) for weights in (None, values, hits))
    return [
        Bin(low, high, int(count), float(total / max(1, count)), float(hit / max(1, count)))
        for low, high, count, total, hit in zip(edges, edges[1:], counts, totals, hits)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Returns the mean distance of confidence and accuracy over words, 0 to 1 (Guo et al. 2017, eq. 3)."""
    words = sum(part.count for part in bins)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / max(1, words)


def calibration_error(confidences: Iterable[float], right: Iterable[bool]) -> float:
    """Returns the expected calibration error in ten bins."""
    return expected_calibration_error(calibration_bins(confidences, right))


def errors_found(confidences: ArrayLike, right: ArrayLike) -> float:
    """Returns which part of all errors is in the LEAST_SURE share of words, one at least; nan without errors.

    `confidences` and `right` are (n,): of each word 0 to 1, and whether it is read without an error.
    """
    wrong = ~np.asarray(right, bool)
    if not wrong.any():
        return float("nan")
    least = np.argsort(np.asarray(confidences), kind="stable")[: max(1, round(LEAST_SURE * len(wrong)))]
    return float(wrong[least].sum() / wrong.sum())


def calibrate(confidences: np.ndarray, curve: Sequence[float]) -> np.ndarray:
    """Returns confidences (n,) after beta calibration (Kull et al. 2017, eq. 9).

    `curve` is a, b, c of log odds = a log p - b log(1 - p) + c; a, b >= 0 keep the order of words. 1, 1, 0 is the
    identity; a = b, c = 0 is a temperature 1 / a on the log odds.
    """
    return _sigmoid(_terms(confidences) @ np.asarray(curve, float))


def fit_curve(confidences: ArrayLike, right: ArrayLike) -> tuple[float, float, float]:
    """Fits a, b, c of `calibrate` to words: confidences (n,), 0 to 1, and whether each is read without an error.

    Minimises the cross-entropy, with targets smoothed by one word of each kind (Platt 1999) and a prior that keeps a,
    b, c near 1, 1, 0 while there are few words.
    """
    terms, hits = _terms(np.asarray(confidences)), np.asarray(right, bool)
    targets = np.where(hits, (hits.sum() + 1) / (hits.sum() + 2), 1 / ((~hits).sum() + 2))
    free = [0, 1, 2]
    while True:
        curve = _least_cross_entropy(terms, targets, free)
        negative = [i for i in (0, 1) if curve[i] < 0]
        if not negative:
            return float(curve[0]), float(curve[1]), float(curve[2])
        # Confidence must not fall with probability: as in the paper, the rest is fitted without that term.
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

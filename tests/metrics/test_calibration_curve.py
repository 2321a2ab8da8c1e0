"""The curve that makes confidences honest, and how it is fitted."""

import numpy as np
import pytest

from metrics.calibration import calibrate, calibration_error, errors_found, fit_curve

P = np.linspace(0, 1, 101)
CURVE = (0.5, 1.5, 0.25)


def drawn(number: int, curve, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and whether each word is right, if `curve` is what makes them honest."""
    rng = np.random.default_rng(seed)
    confidences = rng.beta(1.5, 0.7, number)
    return confidences, rng.random(number) < calibrate(confidences, curve)


def test_curves():
    np.testing.assert_allclose(calibrate(P, (1, 1, 0)), P, atol=1e-6)
    temperature = calibrate(P[1:-1], (0.5, 0.5, 0))
    np.testing.assert_allclose(np.log(temperature / (1 - temperature)), 0.5 * np.log(P[1:-1] / (1 - P[1:-1])))
    assert (np.diff(calibrate(P, CURVE)) > 0).all() and np.isfinite(calibrate(P, CURVE)).all()


@pytest.mark.parametrize("curve", [(1.0, 1.0, 0.0), (0.3, 2.0, 0.6), (2.0, 0.4, -1.0)])
def test_fit_finds_the_curve(curve):
    confidences, right = drawn(20_000, curve)
    found = fit_curve(confidences, right)
    assert found == pytest.approx(curve, abs=0.2)
    others, right = drawn(20_000, curve, seed=1)
    assert calibration_error(calibrate(others, found), right) < 0.02
    if curve[2]:
        assert calibration_error(others, right) > 0.05


def test_fits_to_little_and_to_odd_data_stay_sensible():
    assert fit_curve([], []) == (1, 1, 0)
    assert fit_curve([0.9], [False]) == pytest.approx((1, 1, 0), abs=0.7)
    for right in (True, False):
        curve = fit_curve([0.0, 0.5, 1.0] * 30, [right] * 90)
        middle = calibrate(np.array([0.5]), curve)[0]
        assert 0.9 < (middle if right else 1 - middle) < 1
    # The surer the worse: the order of words must stay, so nothing is left of the confidences.
    a, b, _ = fit_curve(np.linspace(0.01, 0.99, 500), np.linspace(0.01, 0.99, 500) < 0.5)
    assert a >= 0 and b >= 0


def test_errors_among_the_least_confident():
    confidences = [0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.6, 0.4, 0.5, 0.95]
    right = [True, False, True, False, True, True, False, True, True, True]
    assert errors_found(confidences, right) == pytest.approx(1 / 3)  # 0.1 and 0.2 of ten, 0.1 is wrong
    assert np.isnan(errors_found([0.5], [True]))
    assert errors_found([0.9], [False]) == 1

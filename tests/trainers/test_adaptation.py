"""Checks how long a training on corrected lines is."""

import pytest

from trainers.adaptation import epochs_for


@pytest.mark.parametrize(
    "lines, most, epochs",
    [(0, 20, 20), (160, 30, 30), (240, 30, 20), (250, 20, 20), (251, 20, 19), (1000, 20, 5), (9999, 3, 3)],
)
def test_more_lines_are_read_less_often(lines, most, epochs):
    assert epochs_for(lines, most) == epochs

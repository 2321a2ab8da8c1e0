"""Checks how long a training on corrected lines is."""

import pytest

from trainers.adaptation import epochs_for


@pytest.mark.parametrize(
    "lines, usual, epochs", [(0, 20, 20), (120, 30, 30), (480, 20, 40), (1080, 30, 90), (150, 1, 1)]
)
def test_epochs_grow_with_the_root_of_the_lines(lines, usual, epochs):
    assert epochs_for(lines, usual) == epochs

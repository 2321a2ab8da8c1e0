"""How a training on corrected lines is set up: which lines are held back, and how many epochs it takes."""

HELD_BACK = 5  # one in so many lines is for validation
# Passes over the corrections: no more than give so many readings of lines, about ten minutes on 2 CPU cores.
MOST_READINGS, LEAST_EPOCHS = 5000, 5


def epochs_for(lines: int, most: int) -> int:
    """Returns the epochs of a training on so many corrected lines: fewer for more lines, `most` for up to 160."""
    return min(most, max(LEAST_EPOCHS, MOST_READINGS // max(1, lines)))

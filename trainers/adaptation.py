"""How a training on corrected lines is set up: which lines are held back, and how many epochs it takes."""

import math

HELD_BACK = 5  # one in so many lines is for validation
USUAL_LINES = 120  # up to so many, a training takes the config's epochs


def epochs_for(lines: int, usual: int) -> int:
    """Returns the epochs of a training on so many corrected lines, `usual` for few of them.

    An epoch takes a part of many lines (`train.words_per_epoch` in configs/adapt.yml), so that their share beside other
    data, and with it what is forgotten, stays small. The epochs grow with the square root of the lines: more lines are
    read more often in all, each of them less often.
    """
    return round(usual * math.sqrt(max(1.0, lines / USUAL_LINES)))

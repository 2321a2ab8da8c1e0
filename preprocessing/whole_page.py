"""Distinguishes pictures of whole pages from those of a word or a line."""

import cv2
import numpy as np

from preprocessing.normaliser import normalise
from preprocessing.writing import count_lines
from utils.config.image import NormaliserConfig

# Pixels of a page's shorter side at least, and of its longer side over its shorter one at most.
LEAST_SIDE, LONGEST = 150, 6
SIDE = 800  # pixels of the longer side at which lines are counted
MANY = 4  # lines in two thirds of the width; an E of three bars is no page


def seems_page(pixels: np.ndarray, steps: NormaliserConfig) -> bool:
    """Returns whether a picture seems to hold at least MANY lines; uint8 (h, w) or (h, w, 3).

    Lines are counted in each third of the width, since over all of it those of a slanted page run into each other.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE or max(height, width) > LONGEST * min(height, width):
        return False
    if (factor := SIDE / max(height, width)) < 1:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(normalise(pixels, steps), (0, 0), 1.5)
    thirds = np.array_split(grey, 3, axis=1)
    return sorted(map(count_lines, thirds))[-2] >= MANY

"""Words in a drawn font, and the geometry of a model that reads photos."""

import cv2
import numpy as np

from preprocessing.ink import ink_mask
from utils.config.image import ImageConfig

PHOTO = ImageConfig()


def draw_word(text="until", paper=230, ink=40, scale=2.0, border=30):
    """Draws text on paper with a border; uint8 (h, w)."""
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 5)
    image = np.full((height + below + 2 * border, width + 2 * border), paper, np.uint8)
    place = border, border + height
    return cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 5, cv2.LINE_AA)


def overlap(one, other):
    """Intersection over union of the ink of two pictures of one size."""
    first, second = ink_mask(one), ink_mask(other)
    return (first & second).sum() / (first | second).sum()

"""Finds the ink in a grey picture, and how wide its strokes are."""

import cv2
import numpy as np

PAPER = 255
# Below this Otsu threshold's distance of ink and paper, as a part of the paper's brightness, nothing is written.
LEAST_CONTRAST = 0.12


def ink_mask(grey: np.ndarray) -> np.ndarray:
    """Returns where ink is, bool (h, w), by Otsu's threshold (1979); nowhere if the contrast is that of paper alone."""
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    share = cv2.countNonZero(dark) / dark.size
    if 0 < share < 1:
        ink = cv2.mean(grey, mask=dark)[0]
        paper = (cv2.mean(grey)[0] - share * ink) / (1 - share)
        if paper - ink >= LEAST_CONTRAST * paper:
            return dark.view(bool)
    return np.zeros(grey.shape, bool)


def stroke_width(ink: np.ndarray) -> float:
    """Returns the mean width of strokes: their area over half of their edge, which erosion takes away."""
    dark = ink.view(np.uint8)
    area = cv2.countNonZero(dark)
    inner = cv2.countNonZero(cv2.erode(dark, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0))
    return 2 * area / (area - inner)


def whiten(grey: np.ndarray, paper: float) -> np.ndarray:
    """Returns a grey picture, uint8 (h, w), as bright as if its paper, now of level `paper`, were white."""
    return cv2.convertScaleAbs(grey, alpha=PAPER / max(1.0, paper))


def grown(mask: np.ndarray) -> np.ndarray:
    """Returns a mask (h, w) that also covers the neighbours of its pixels."""
    return cv2.dilate(np.ascontiguousarray(mask, np.uint8), np.ones((3, 3), np.uint8)) > 0

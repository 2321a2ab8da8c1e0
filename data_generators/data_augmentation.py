"""Random distortions of training words: geometry, then stroke width and grey levels.

All functions take and return uint8 images (height, width) or (height, width, 3), paper 255. The order is the physical
one: hand, pen, paper and ink (contrast), lens (blur), sensor (noise), archive (binarisation).
"""

import cv2
import numpy as np

from data_generators.geometric_augmentation import PAPER, warp
from utils.config.data_aug import DataAugConfig

NOISE_PROBABILITY = 0.5  # clean scans must stay part of the training data
BINARIZE_JITTER = 20.0  # grey levels around Otsu's threshold
LEAST_INK_SHARE = 0.5  # of a word's ink, which thinning leaves
THICKNESS_KERNEL = np.ones((3, 3), np.uint8)
BREAK_PROBABILITY = 0.5  # whole strokes must stay part of the training data
OCCLUSION_PROBABILITY = 0.5
MOST_OCCLUDED = 0.4  # of a word's ink, which a patch may cover
# Variations of the pen's pressure, which decides where strokes break: size in pixels, weight.
PRESSURE = ((1.2, 1.0), (4.0, 0.7))
STRENGTH_LEVELS = 1024
THINNESS = 2.0  # weight of the stroke's width


def augment(image: np.ndarray, aug: DataAugConfig, rng: np.random.Generator, max_width: int) -> np.ndarray:
    """Returns a randomly distorted copy of a word image, of the same height and 1..max_width pixels wide.

    `aug.use_data_aug` is not read here. Random numbers are drawn only for distortions that are enabled, in a fixed
    order, so the result is a function of the arguments and of `rng`'s state.
    """
    image = warp(image, aug, rng, max_width)
    if aug.thickness_range:
        image = change_thickness(image, rng.uniform(-aug.thickness_range, aug.thickness_range))
    if aug.broken_strokes and rng.random() < BREAK_PROBABILITY:
        image = break_strokes(image, rng.uniform(0, aug.broken_strokes), rng)
    if aug.occlusion and rng.random() < OCCLUSION_PROBABILITY:
        image = occlude(image, rng.uniform(0, aug.occlusion, 2), rng.random())
    if aug.contrast_range != [1, 1]:
        low, high = aug.contrast_range
        image = change_contrast(image, rng.uniform(low, high))
    if aug.blur_range:
        sigma = rng.uniform(0, aug.blur_range)
        image = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    if aug.noise_range and rng.random() < NOISE_PROBABILITY:
        image = add_noise(image, rng.uniform(0, aug.noise_range), rng)
    if aug.binarize_probability and rng.random() < aug.binarize_probability:
        image = binarize(image, rng.uniform(-BINARIZE_JITTER, BINARIZE_JITTER))
    return image


def change_thickness(image: np.ndarray, change: float) -> np.ndarray:
    """Makes the strokes `change` pixels wider (thinner if negative).

    A 3x3 minimum widens dark strokes by a pixel on both sides, a maximum thins them. Blending with the original gives
    fractions of pixels. Thinning stops at LEAST_INK_SHARE of the ink.
    """
    morph = cv2.erode if change > 0 else cv2.dilate
    least = LEAST_INK_SHARE * _ink(image)
    remaining = abs(change) / 2
    while remaining > 0:
        moved = morph(image, THICKNESS_KERNEL)
        part = min(remaining, 1.0)
        ink, moved_ink = _ink(image), _ink(moved)
        if moved_ink < least:
            part = min(part, (ink - least) / (ink - moved_ink))
            remaining = 0
        image = cv2.addWeighted(image, 1 - part, moved, part, 0)
        remaining -= 1
    return image


def break_strokes(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Removes `share` of the ink, as a bad threshold does: where strokes are thin and pressure is low."""
    ink = PAPER - _darkest_channel(image).astype(np.float32)
    strength = THINNESS / PAPER * cv2.GaussianBlur(ink, (0, 0), 1.0)
    for size, weight in PRESSURE:
        noise = cv2.GaussianBlur(rng.standard_normal(ink.shape, dtype=np.float32), (0, 0), size)
        deviation = cv2.meanStdDev(noise)[1].item()
        strength += weight / max(deviation, 1e-6) * noise
    # A histogram of the ink by strength finds the threshold much faster than sorting.
    levels = cv2.normalize(strength, None, 0, STRENGTH_LEVELS - 1, cv2.NORM_MINMAX, cv2.CV_16U)
    lost = np.bincount(levels.ravel(), weights=ink.ravel()).cumsum()
    broken = image.copy()
    broken[levels < np.searchsorted(lost, share * lost[-1])] = PAPER
    return broken


def occlude(image: np.ndarray, size: np.ndarray, place: float) -> np.ndarray:
    """Covers a patch with paper (cutout, DeVries and Taylor 2017), unless it hides more than MOST_OCCLUDED.

    `size` (2,) is the patch's height and width, as fractions of the image's height; `place`, 0..1, the ink pixel,
    counted from top to bottom, on which it is centred.
    """
    pixels = np.argwhere(_darkest_channel(image) < PAPER)
    if not len(pixels):
        return image
    sides = np.maximum(1, np.rint(size * len(image)).astype(int))
    starts = pixels[int(place * (len(pixels) - 1))] - sides // 2
    patch = tuple(slice(max(0, start), start + side) for start, side in zip(starts, sides))
    if _ink(image[patch]) > MOST_OCCLUDED * _ink(image):
        return image
    covered = image.copy()
    covered[patch] = PAPER
    return covered


def change_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiplies the darkness of every pixel, its distance from the paper's 255, by `factor`."""
    darkness = np.minimum((PAPER - np.arange(256)) * factor, PAPER)
    return cv2.LUT(image, (PAPER - np.rint(darkness)).astype(np.uint8))


def add_noise(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Adds Gaussian noise of this standard deviation, in grey levels, the same to all channels."""
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32)
    noise *= deviation
    if image.ndim == 3:
        noise = cv2.merge([noise] * image.shape[2])
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def binarize(image: np.ndarray, jitter: float) -> np.ndarray:
    """Returns black ink (0) on white paper (255), split at Otsu's threshold plus `jitter` grey levels."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    otsu = cv2.threshold(gray, 0, PAPER, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
    # Between the darkest pixel and the paper, so that neither vanishes.
    level = min(max(otsu + jitter, cv2.minMaxLoc(gray)[0]), PAPER - 1)
    black_white = cv2.threshold(gray, level, PAPER, cv2.THRESH_BINARY)[1]
    return black_white if image.ndim == 2 else cv2.cvtColor(black_white, cv2.COLOR_GRAY2RGB)


def _darkest_channel(image: np.ndarray) -> np.ndarray:
    """Returns (height, width) grey levels, less than PAPER wherever there is ink."""
    return image if image.ndim == 2 else image.min(axis=2)


def _ink(image: np.ndarray) -> float:
    """Returns the total darkness of the image, in grey levels."""
    return PAPER * image.size - cv2.norm(image, cv2.NORM_L1)

"""Converts image files and arrays of pixels to word images, for training, evaluation and prediction."""

from pathlib import Path

import cv2
import numpy as np

from preprocessing.image_file import decode, decode_picture, picture_of
from preprocessing.ink import PAPER
from preprocessing.normaliser import normalise
from preprocessing.writing import to_usual_size
from utils.config.image import ImageConfig

HEIGHT_AT_300_DPI = 120  # pixels that `scale: auto` brings to the network's height, of writing of the usual size
SOFTNESS = 0.6
MOST_SQUEEZE = 1.5  # by how much more a picture too high for the canvas is shrunk in height than in width


def read_word_image(path: str | Path, image: ImageConfig) -> np.ndarray:
    """Reads a file and converts it to the network's geometry.

    Returns uint8 (y_size, width) or, with 3 channels, (y_size, width, 3), paper 255; y_size / 2 <= width <= x_size, and
    width == x_size with `fixed_width`. Raises UnusableImage if the file is missing, empty, truncated, no image, or
    larger than `image.max_pixels`.
    """
    return to_network_geometry(decode(path, image), image)


def word_image_of_array(array: np.ndarray, image: ImageConfig, name: str = "array") -> np.ndarray:
    """Converts pixels in memory as `read_word_image` converts those of a file, with the errors of `picture_of`."""
    return to_network_geometry(decode_picture(picture_of(array, image, name), image, name), image)


def to_network_geometry(pixels: np.ndarray, image: ImageConfig) -> np.ndarray:
    """Normalises, binarises, scales and centres on a canvas of the network's height.

    The aspect ratio stays, but `scale: auto` widens narrow hands and lowers what is too high. `pixels` is uint8 (h, w)
    or (h, w, 3), as in the file; `margin` and `blur` imitate the margins and soft edges of augmented training images.
    """
    if any(dict(image.normaliser).values()):
        pixels = normalise(pixels, image.normaliser)
    scale, channels = image.scale, image.image_size.num_channels
    if pixels.ndim == 3 and (channels == 1 or scale == "auto"):
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    squeeze = 1.0
    if scale == "auto":
        pixels = to_usual_size(pixels)
        scale, squeeze = image.image_size.y_size / HEIGHT_AT_300_DPI, MOST_SQUEEZE
    if pixels.ndim == 2 and channels == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if image.binarization != "none":
        pixels = binarize(pixels, SOFTNESS if image.binarization == "soft" else 0.0)
    return _on_canvas(pixels, scale, image, squeeze)


def _on_canvas(pixels: np.ndarray, scale: float | str, image: ImageConfig, squeeze: float) -> np.ndarray:
    """Returns the picture in the middle of a canvas of the network's height; `scale` is a factor, or "fit".

    A picture too high for the canvas is shrunk up to `squeeze` times more in height than in width.
    """
    height, width = pixels.shape[:2]
    size, margin = image.image_size, image.margin
    widest = size.x_size - 2 * margin
    factor = min(size.y_size / height, widest / width)
    factor_x = factor
    if not isinstance(scale, str):
        factor = min(factor, scale)
        factor_x = min(factor * squeeze, scale, widest / width)
    new_height = min(size.y_size, max(1, round(height * factor)))
    new_width = min(widest, max(1, round(width * factor_x)))
    # Averaging areas keeps thin strokes when shrinking, but repeats pixels when enlarging.
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(pixels, (new_width, new_height), interpolation=method)
    # Enough columns for the encoder, also for a full stop.
    narrowest = size.x_size if image.fixed_width else min(size.y_size // 2, size.x_size)
    canvas_width = max(new_width + 2 * margin, narrowest)
    canvas = np.full((size.y_size, canvas_width, *pixels.shape[2:]), PAPER, np.uint8)
    top = (size.y_size - new_height) // 2
    canvas[top : top + new_height, margin : margin + new_width] = scaled
    return cv2.GaussianBlur(canvas, (0, 0), image.blur) if image.blur else canvas


def binarize(pixels: np.ndarray, softness: float = 0.0) -> np.ndarray:
    """Returns black ink (0) on white paper (255) by Otsu's threshold (1979); uint8 (h, w) or (h, w, 3).

    With `softness`, 0 to 1, levels from the mean of the ink to so far between threshold and mean of the paper become a
    ramp of greys, so that strokes thinner than a pixel are not cut.
    """
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    threshold, black_and_white = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    is_paper = black_and_white > 0
    if softness and is_paper.any() and not is_paper.all():
        ink, paper = float(grey[~is_paper].mean()), float(grey[is_paper].mean())
        white = threshold + softness * (paper - threshold)
        ramp = np.clip((np.arange(256) - ink) * (PAPER / (white - ink)), 0, PAPER)
        black_and_white = cv2.LUT(grey, ramp.astype(np.uint8))
    return black_and_white if pixels.ndim == 2 else cv2.cvtColor(black_and_white, cv2.COLOR_GRAY2RGB)

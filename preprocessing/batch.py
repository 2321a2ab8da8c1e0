"""Puts word images of different widths into one array."""

from collections.abc import Sequence

import numpy as np

from preprocessing.ink import PAPER


def widen(image: np.ndarray, width: int) -> np.ndarray:
    """Pads an image (height, w) or (height, w, 3) with paper on the right to `width` >= w pixels."""
    padding = ((0, 0), (0, width - image.shape[1]), *((0, 0),) * (image.ndim - 2))
    return np.pad(image, padding, constant_values=PAPER)


def pad_images(
    images: Sequence[np.ndarray], multiple: int, min_widths: Sequence[int] | None = None, step: int = 1, width: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Pads word images with paper to the widest of the batch.

    The width of each image is first rounded up to `multiple` (the network's horizontal stride), so that its valid
    columns don't depend on the other images.

    Args:
        images: uint8 (height, width) or (height, width, 3), all of one height.
        multiple: pixels per encoder column.
        min_widths: smallest valid width of each image, in pixels.
        step: the batch's width, but no valid width, is rounded up to a multiple of it, in pixels.
        width: smallest width of the batch, in pixels.

    Returns:
        uint8 (batch, height, widest, channels) and int32 (batch,): valid widths in pixels.
    """
    widths = np.array([image.shape[1] for image in images])
    if min_widths is not None:
        widths = np.maximum(widths, min_widths)
    widths = (-(-widths // multiple) * multiple).astype(np.int32)
    channels = 1 if images[0].ndim == 2 else images[0].shape[2]
    widest = max(width, -(-int(widths.max()) // step) * step)
    batch = np.full((len(images), images[0].shape[0], widest, channels), PAPER, np.uint8)
    for row, image in zip(batch, images):
        row[:, : image.shape[1]] = image.reshape(*image.shape[:2], channels)
    return batch, widths

"""Process-wide settings of libraries, applied by commands only."""

import warnings

import cv2
from PIL import Image


def configure_process() -> None:
    """Prepares a command's process for reading images."""
    # Replaced by `image.max_pixels`.
    Image.MAX_IMAGE_PIXELS = None
    # The command itself reports damaged files.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    # The data generators' threads use all cores.
    cv2.setNumThreads(1)

"""Settings of libraries for a whole process; commands apply them, importing the package never does."""

import warnings

import cv2
from PIL import Image


def configure_process() -> None:
    """Prepares a process that belongs to one of the project's commands for reading images."""
    # `image.max_pixels` takes its place, and can be raised.
    Image.MAX_IMAGE_PIXELS = None
    # Damaged files are reported once, by the command.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    # The cores are shared by threads of the data generators, which OpenCV's own would only disturb.
    cv2.setNumThreads(1)

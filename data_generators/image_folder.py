"""The folder of a dataset's images: reads them, and refuses files outside it."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_generators.damage import damage
from preprocessing.image_file import UnusableImage, decode
from preprocessing.normaliser import halve_large
from preprocessing.word_image import to_network_geometry
from utils.config.image import ImageConfig
from utils.files import is_inside

OUTSIDE_FOLDER = "link that leads out of images_folder (follow_links is false)"


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images; they may be links out of it only with `follow_links`."""

    path: Path
    follow_links: bool

    def decode(self, filename: str, image: ImageConfig) -> np.ndarray | str:
        """Returns the pixels of a file, as `preprocessing.image_file.decode`, or the reason why it is unusable."""
        if not self.follow_links and not is_inside(self.path / filename, self.path):
            return OUTSIDE_FOLDER
        try:
            return decode(self.path / filename, image)
        except UnusableImage as error:
            return error.reason

    def read(self, filename: str, image: ImageConfig, copy: int = 0) -> np.ndarray | str:
        """Returns the word image of a file, or of its damaged copy of a number > 0, or why it is unusable."""
        pixels = self.decode(filename, image)
        if isinstance(pixels, str):
            return pixels
        if copy:
            rng = np.random.default_rng([copy, zlib.crc32(filename.encode())])
            pixels = damage(halve_large(pixels), rng)
        return to_network_geometry(pixels, image)

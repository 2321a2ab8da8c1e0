"""Checks that an exported model reads like the original."""

import numpy as np

from base.base_predictor import Prediction
from preprocessing.word_image import read_word_image, to_network_geometry
from utils.config.image import ImageConfig
from utils.paths import ROOT

TOLERANCE = 1e-4
TEST_IMAGES = ROOT / "test_images"


def sample_images(image: ImageConfig, random: int = 20) -> list[np.ndarray]:
    """The repository's test images and noise of all kinds of sizes, in the network's geometry."""
    files = [read_word_image(path, image) for path in sorted(TEST_IMAGES.glob("*.png"))]
    rng = np.random.default_rng(0)
    colours = () if image.image_size.num_channels == 1 else (3,)
    noise = []
    for _ in range(random):
        height, width, darkest = rng.integers(5, 150), rng.integers(5, 600), rng.integers(0, 250)
        pixels = rng.integers(darkest, 256, (height, width, *colours), dtype=np.uint8)
        noise.append(to_network_geometry(pixels, image))
    return files + noise


def largest_difference(expected: list[Prediction], found: list[Prediction]) -> float:
    """The largest difference of two confidences.

    Raises:
        RuntimeError: a text differs, or a confidence by more than TOLERANCE: a fault of the exporter.
    """
    differences = [0.0]
    for first, second in zip(expected, found, strict=True):
        pairs = zip(first.character_confidences, second.character_confidences)
        differences += [abs(a - b) for a, b in pairs] + [abs(first.confidence - second.confidence)]
        if first.text != second.text or differences[-1] > TOLERANCE:
            raise RuntimeError(f"The exported model reads {second}, Keras {first}; the model is unchanged.")
    return max(differences)

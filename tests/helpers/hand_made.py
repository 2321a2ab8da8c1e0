"""Hand-made images, distorted by the kinds that a test asks for, and measured."""

import cv2
import numpy as np

from data_generators.data_augmentation import augment
from tests.helpers.tiny import plain_aug

MAX_WIDTH = 400


def paper(height=64, width=120):
    return np.full((height, width), 255, np.uint8)


def word():
    image = paper()
    cv2.putText(image, "Word", (12, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 30, 2, cv2.LINE_AA)
    return image


def bar(top, bottom, left, right, height=64, width=120):
    image = paper(height, width)
    image[top:bottom, left:right] = 0
    return image


def run(image, seed=0, max_width=MAX_WIDTH, **kinds):
    return augment(image, plain_aug(**kinds), np.random.default_rng(seed), max_width)


def moments(image):
    return cv2.moments(255 - image)

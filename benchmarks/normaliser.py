"""How many word crops does one core normalise in a second, and how long does a photo of 12 megapixels take?"""

import os
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.process import in_turn
from benchmarks.report import Row, speed_rows
from benchmarks.settings import COMPACT, Settings
from data_generators.source import DataSource
from preprocessing.image_file import decode
from preprocessing.word_image import to_network_geometry
from utils.config.schema import Config

WORDS = 2_000
PHOTO = (3_000, 4_000)


def rows(settings: Settings) -> list[Row]:
    """Words per second, and photos per second."""
    photos = "photos of 12 megapixels on one core"
    tasks = {
        "word crops on one core": settings.task("normaliser.measure", COMPACT, WORDS),
        photos: settings.task("normaliser.measure_photos", COMPACT, WORDS),
    }
    return speed_rows("normaliser", in_turn(tasks, settings.repeats), photos)


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Normalises decoded word crops for some seconds."""
    source = DataSource.of(config)
    words = source.read_labels().splits["train"]
    return _measure([decode(source.images.path / word.filename, config.image) for word in words], config, seconds)


def measure_photos(config: Config, seconds: float) -> dict[str, float]:
    """Normalises a photo with one word and falling light for some seconds."""
    source = DataSource.of(config)
    word = decode(Path(source.images.path / source.read_labels().splits["train"][0].filename), config.image)
    word = cv2.resize(word, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)[: PHOTO[0], : PHOTO[1]]
    light = np.linspace(0.95, 0.4, PHOTO[1]) + np.random.default_rng(1).normal(0, 0.02, PHOTO)
    photo = np.full(PHOTO, 255, np.uint8)
    photo[: word.shape[0], : word.shape[1]] = word
    grey = np.clip(photo * light, 0, 255).astype(np.uint8)
    return _measure([cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)], config, seconds)


def _measure(pictures: list[np.ndarray], config: Config, seconds: float) -> dict[str, float]:
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    start, number = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds or not number:
        for picture in pictures:
            to_network_geometry(picture, config.image)
        number += len(pictures)
    return {"words_per_second": number / passed, "words": number}

"""How fast is evaluation on ONNX Runtime, compared with Keras?"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.process import in_turn
from benchmarks.report import Row, speed_rows
from benchmarks.settings import BEST, COMPACT, Settings
from utils.config.schema import Config


def rows(settings: Settings) -> list[Row]:
    """Words per second of evaluation."""

    def reading(config: str, runtime: str, *more: str) -> Callable[[], dict[str, float]]:
        overrides = [*settings.reader(config, runtime), *more]
        return settings.task("evaluation.measure", config, settings.words, *overrides)

    base = f"{COMPACT}, Keras"
    tasks = {
        base: reading(COMPACT, "keras"),
        f"{COMPACT}, ONNX Runtime": reading(COMPACT, "onnx"),
        f"{BEST}, ONNX Runtime": reading(BEST, "onnx"),
        f"{BEST}, ONNX Runtime, each word once": reading(BEST, "onnx", "predict.views=1"),
    }
    return speed_rows("evaluation speed", in_turn(tasks, settings.repeats), base)


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Reads all test words, after a few to warm up, with the model and the runtime of the config."""
    from data_generators.dataset import open_split
    from models.model_folder import ModelFolder
    from predictors.loading import load_predictor

    folder = ModelFolder(Path(str(config.predict.weights_file)))
    predictor = load_predictor(folder, config.predict, config.image.max_pixels)
    dataset = open_split(config, "test", predictor.spec.image)
    predictor.predict_dataset(dataset.select(np.arange(min(8, len(dataset)))))
    start = time.perf_counter()
    predictor.predict_dataset(dataset)
    return {"words_per_second": len(dataset) / (time.perf_counter() - start), "words": len(dataset)}

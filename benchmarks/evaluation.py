"""How fast is evaluation on both runtimes, compared with the seed project's way of decoding?"""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.process import in_turn
from benchmarks.report import Row, speed_rows
from benchmarks.settings import BEST, COMPACT, SEED, Settings
from utils.config.data import ImageConfig
from utils.config.schema import Config


def rows(settings: Settings) -> list[Row]:
    """Words per second of evaluation."""

    def reading(config: str, runtime: str, *more: str) -> Callable[[], dict[str, float]]:
        overrides = [*settings.reader(config, runtime), *more]
        return settings.task("evaluation.measure", config, settings.words, *overrides)

    seed = f"{SEED}, decoded as the seed project does"
    tasks = {
        seed: settings.task("seed_project.evaluate", SEED, settings.seed_words),
        f"{COMPACT}, Keras": reading(COMPACT, "keras"),
        f"{COMPACT}, ONNX Runtime": reading(COMPACT, "onnx"),
        f"{BEST}, ONNX Runtime": reading(BEST, "onnx"),
        f"{BEST}, ONNX Runtime, each word once": reading(BEST, "onnx", "predict.views=1"),
    }
    return speed_rows("evaluation speed", in_turn(tasks, settings.repeats), seed)


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Reads all test words, after a few to warm up, with the model and the runtime of the config."""
    from models.description import artifact_folder
    from predictors.loading import load_predictor

    predictor = load_predictor(artifact_folder(config.predict.weights_file), config.predict)
    dataset = words_to_read(config, predictor.spec.image)
    predictor.predict_dataset(dataset.select(np.arange(min(8, len(dataset)))))
    start = time.perf_counter()
    predictor.predict_dataset(dataset)
    return {"words_per_second": len(dataset) / (time.perf_counter() - start), "words": len(dataset)}


def words_to_read(config: Config, image: ImageConfig):
    """The test words in the image geometry of a model, which may differ from the config's."""
    from data_generators.dataset import open_dataset, read_dataset_labels

    words = read_dataset_labels(config).splits["test"]
    return open_dataset(config.in_geometry_of(image), words, "test")

"""Speed of evaluation with either runtime."""

import time
from typing import Any

import numpy as np

from data_generators.dataset import Dataset, open_dataset, read_dataset_labels
from models.description import artifact_folder
from predictors.loading import load_predictor
from predictors.word_predictor import WordPredictor
from utils.config.image import ImageConfig
from utils.config.schema import Config


def read_words(config: Config) -> dict[str, float]:
    """Reads the test words with the model and the runtime that the config names.

    Returns:
        words_per_second, words, and traces: how often Keras traced the decoding graph.
    """
    traces = _count_traces() if config.predict.runtime == "keras" else []
    predictor = load_predictor(artifact_folder(config.predict.weights_file), config.predict)
    dataset = words_to_read(config, predictor.spec.image)
    return {**timed(predictor, dataset), "traces": len(traces)}


def words_to_read(config: Config, image: ImageConfig) -> Dataset:
    """The test words in the geometry of the model, whatever the config says."""
    words = read_dataset_labels(config).splits["test"]
    return open_dataset(config.in_geometry_of(image), words, "test")


def timed(predictor: WordPredictor, dataset: Dataset) -> dict[str, float]:
    """Words per second, once the model has read a few."""
    predictor.predict_dataset(dataset.select(np.arange(min(8, len(dataset)))))
    start = time.perf_counter()
    predictor.predict_dataset(dataset)
    return {"words_per_second": len(dataset) / (time.perf_counter() - start), "words": len(dataset)}


def _count_traces() -> list[int]:
    """Gets an entry for each tracing of the decoding graph: only then its Python code runs."""
    from utils.keras_import import import_keras

    import_keras()
    from predictors.greedy import GreedyDecoder

    traces: list[int] = []
    call = GreedyDecoder.call

    def counted(self: Any, inputs: Any) -> Any:
        traces.append(1)
        return call(self, inputs)

    GreedyDecoder.call = counted
    return traces

"""How fast are packed datasets made and read, and does memory grow with them?"""

import os
import shutil
import time

from benchmarks.process import run, work
from benchmarks.report import Row, ratio_rows
from benchmarks.settings import BEST, Settings
from utils.config.schema import Config
from utils.keras_import import import_keras


def rows(settings: Settings) -> list[Row]:
    """Returns speed and memory of rendering straight into packed datasets, and of an epoch of each."""
    found: list[Row] = []
    figures: dict[tuple[str, str], dict[str, list[float]]] = {}
    for words in settings.packed_words:
        folder = settings.folder / f"packed-{words}"
        made = run("-m", "tools.pack_dataset", "-c", BEST, "--synthetic", words, "--output", folder)
        overrides = [f"train.packed.folder={folder}", "train.additional_data={}", "train.words_per_epoch=0"]
        read = work("packed.measure", BEST, overrides, 0)
        shutil.rmtree(folder, ignore_errors=True)
        for job, speed, peak in (
            ("rendered and packed", words / made.seconds, made.peak_mb),
            ("an epoch", read["words_per_second"], read["peak_mb"]),
        ):
            figures.setdefault((job, "words/s"), {})[f"{job}, {words} words"] = [speed]
            figures.setdefault((job, "MB"), {})[f"{job}, {words} words"] = [peak]
    for (_, unit), runs in sorted(figures.items(), key=lambda item: item[0][1], reverse=True):
        counts = {name: name.rpartition(", ")[2] for name in runs}
        found += ratio_rows("packed", runs, unit, counts, next(iter(runs)))
    return found


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Makes every augmented batch of an epoch, as training gets them; returns words_per_second and words."""
    os.environ["KERAS_BACKEND"] = "numpy"  # the generator's memory, without that of a runtime that trains
    import_keras()
    from data_generators.data_generator import training_generator
    from data_generators.input_pipeline import stream
    from data_generators.training_words import TrainingWords
    from models.model_spec import ModelSpec
    from preprocessing.labels import LabelsFile
    from preprocessing.tokenizer import Tokenizer
    from utils.cluster import Cluster

    spec = ModelSpec(config.image, config.network, Tokenizer(str(config.network.charset)))
    words, shares = TrainingWords.read(config, LabelsFile({"train": []}, [])).open(spec)
    batches = training_generator(words, shares, spec, config, Cluster())
    start = time.perf_counter()
    for _ in stream(batches, 0, 0, config.train.num_workers, endless=False):
        pass
    return {"words_per_second": len(words) / (time.perf_counter() - start), "words": len(words)}

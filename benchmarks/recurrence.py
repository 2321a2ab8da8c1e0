"""How fast does the best network train on lines, with Keras' loop of the LSTMs and with that of models/lstm.py?"""

import time

import numpy as np

from benchmarks.process import in_turn
from benchmarks.report import Row, ratio_rows
from benchmarks.settings import BEST, Settings
from utils.config.schema import Config
from utils.keras_import import import_keras

# A batch of `train.batch_width` 12288: pixels, characters.
LINES, WIDTH, LENGTH = 24, 512, 30
WARM_UP = 2  # steps


def rows(settings: Settings) -> list[Row]:
    """Lines per second of training."""
    base = "Keras' loop"
    tasks = {
        base: settings.task("recurrence.measure_keras", BEST, 1),
        "models/lstm.py": settings.task("recurrence.measure", BEST, 1),
    }
    results = in_turn(tasks, settings.repeats)
    speeds = {name: [each["lines_per_second"] for each in found] for name, found in results.items()}
    counts = {name: f"{found[0]['lines']:.0f} lines" for name, found in results.items()}
    return ratio_rows("training on lines", speeds, "lines/s", counts, base)


def measure(config: Config, seconds: float) -> dict[str, float]:
    """Trains on one batch of noise for some seconds; returns lines_per_second and lines."""
    import_keras()
    from models.model_seq2seq import ModelSeq2Seq
    from models.model_spec import ModelSpec
    from models.precision import precision_scope, resolve_precision
    from preprocessing.tokenizer import NUM_SPECIAL, Tokenizer
    from trainers.memory import keep_freed_memory
    from trainers.trainer_seq2seq import TrainerSeq2Seq

    keep_freed_memory()
    spec = ModelSpec(config.image, config.network, Tokenizer(config.network.charset))
    model = ModelSeq2Seq(spec)
    model.compile(TrainerSeq2Seq.make_optimizer(config.train), config.train.label_smoothing)
    rng, size = np.random.default_rng(1), config.image.image_size
    ids = rng.integers(NUM_SPECIAL, spec.tokenizer.vocabulary_size, (LINES, LENGTH)).astype("int32")
    image = rng.integers(0, 256, (LINES, size.y_size, WIDTH, size.num_channels)).astype("uint8")
    inputs = {"image": image, "width": np.full(LINES, WIDTH, "int32"), "decoder_input": ids}
    targets = {"characters": ids, "columns": ids}
    with precision_scope(resolve_precision(config.train.precision)):
        for _ in range(WARM_UP):
            model.keras_model.train_on_batch(inputs, targets)
        start, lines, passed = time.perf_counter(), 0, 0.0
        while passed < seconds or not lines:
            model.keras_model.train_on_batch(inputs, targets)
            lines, passed = lines + LINES, time.perf_counter() - start
    return {"lines_per_second": lines / passed, "lines": lines}


def measure_keras(config: Config, seconds: float) -> dict[str, float]:
    """Measures the same with Keras' own loop."""
    import_keras()
    from models import lstm

    lstm.trains_on_cpu = lambda: False
    return measure(config, seconds)

"""How long do whole commands take, and how much memory?"""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.process import Run, in_turn, run
from benchmarks.report import Row, ratio_rows
from benchmarks.settings import BEST, COMPACT, Settings

TEST_IMAGE, MANY = "test_images/look.png", 1000


def rows(settings: Settings) -> list[Row]:
    """Returns wall time and peak memory."""

    def predict(config: str, runtime: str, *files: Any) -> Callable[[], Run]:
        reader = ["experiment_folder=nowhere", *settings.reader(config, runtime)]
        return partial(run, "main.py", "-c", config, "--predict", "--set", *reader, "--filename", *files)

    many = [settings.images / word.filename for word in settings.labelled[:MANY]]
    tasks = {
        "--predict, TensorFlow": predict(BEST, "keras", TEST_IMAGE),
        "--predict, ONNX Runtime": predict(BEST, "onnx", TEST_IMAGE),
        f"--predict, {BEST}, {len(many)} images": predict(BEST, "onnx", *many),
        f"--predict, {COMPACT}, {len(many)} images": predict(COMPACT, "onnx", *many),
        "--help": partial(run, "main.py", "--help"),
        "a wrong config key": partial(run, "main.py", "--train", "--set", "train.batchsize=3", exit_code=2),
    }
    if settings.repeats > 1:
        in_turn(tasks, 1)  # The first run reads its files from the disk.
    results = in_turn(tasks, settings.repeats)
    counts = dict.fromkeys(tasks, "1 command")
    seconds = {name: [each.seconds for each in found] for name, found in results.items()}
    peaks = {name: [each.peak_mb for each in found] for name, found in results.items()}
    base = "--predict, TensorFlow"
    return [*ratio_rows("start", seconds, "s", counts, base), *ratio_rows("start", peaks, "MB", counts, base)]

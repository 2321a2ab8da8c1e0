"""Does memory grow with the number of words?"""

from functools import partial

from benchmarks.process import in_turn, run
from benchmarks.report import Row, ratio_rows
from benchmarks.settings import COMPACT, Settings


def rows(settings: Settings) -> list[Row]:
    """Returns the peak memory with all of the words, compared with a tenth of them."""

    def train(words: int) -> float:
        return settings.task("training.measure", COMPACT, words)()["peak_mb"]

    def evaluate(runtime: str, words: int) -> float:
        overrides = [*settings.data(words), *settings.reader(COMPACT, runtime)]
        return run("main.py", "-c", COMPACT, "--predict_on_test", "--set", *overrides).peak_mb

    jobs = {"training": train, "evaluation, ONNX Runtime": partial(evaluate, "onnx")}
    jobs["evaluation, Keras"] = partial(evaluate, "keras")
    sizes = max(1, settings.words // 10), settings.words
    found = []
    for name, job in jobs.items():
        counts = {f"{name}, {words} words": f"{words} words" for words in sizes}
        tasks = {text: partial(job, words) for text, words in zip(counts, sizes)}
        found += ratio_rows("memory", in_turn(tasks, settings.repeats), "MB", counts, next(iter(counts)))
    return found

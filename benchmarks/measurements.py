"""What is measured: each function fills a part of the table."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data import Data
from benchmarks.process import in_turn, median, run, work

SEED, COMPACT, BEST = "configs/seed.yml", "configs/iam_fast.yml", "configs/iam.yml"
INT8 = f"{BEST}, int8"
TEST_IMAGE = "test_images/look.png"


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        models: a trained model's folder with ONNX files for each of COMPACT, BEST and INT8.
        words, seed_words: to read, and in the seed project's way, which is far slower.
        images: files to read in one call.
        seconds, repeats: of each training, and how often everything is measured.
        overrides: of the configs that train.
        packed_words: sizes of the packed datasets.
    """

    data: Data
    models: dict[str, Path]
    words: int
    seed_words: int
    images: int
    seconds: float
    repeats: int
    overrides: tuple[str, ...] = ()
    packed_words: tuple[int, ...] = (1_000, 10_000)

    def task(self, name: str, config: str, words: int, *overrides: str) -> Callable[[], dict[str, Any]]:
        """A task of `benchmarks/worker.py` on some of the words."""
        everything = [*self.data.overrides(words), *self.overrides, *overrides]
        return partial(work, name, config=config, set=everything, seconds=self.seconds)

    def reader(self, model: str, runtime: str) -> list[str]:
        """Overrides that read with this one of `models` by this runtime."""
        return [f"predict.weights_file={self.models[model]}", f"predict.runtime={runtime}"]


@dataclass(frozen=True)
class Row:
    """One figure: the median of `runs`; `ratio` is to the figure of the row named `to`."""

    part: str
    what: str
    unit: str
    n: str
    runs: list[float]
    ratio: float | None = None
    to: str = ""

    @property
    def value(self) -> float:
        return median(self.runs)


def training_speed(settings: Settings) -> list[Row]:
    """Words per second of training, against the seed project's network on the same images.

    First as this framework trains that network, then as the seed project does (`seed_training.py`).
    """
    old = f"{SEED}, trained as the seed project does"
    tasks = {config: settings.task("training", config, settings.words) for config in (SEED, COMPACT, BEST)}
    results = in_turn({**tasks, old: settings.task("seed_training", SEED, settings.words)}, settings.repeats)
    here, there = ({name: results[name] for name in (base, COMPACT, BEST)} for base in (SEED, old))
    part = "training speed"
    return [*_speeds(part, here, SEED), *_speeds(f"{part} against the seed project's way", there, old)]


def evaluation_speed(settings: Settings) -> list[Row]:
    """Words per second of evaluation by both runtimes, against the seed project's way."""

    def reading(config: str, runtime: str, *more: str, model: str = "") -> Callable[[], dict[str, Any]]:
        reader = settings.reader(model or config, runtime)
        return settings.task("reading", config, settings.words, *reader, *more)

    seed, keras = f"{SEED}, decoded as the seed project does", f"{COMPACT}, Keras"
    tasks = {
        seed: settings.task("seed_decoding", SEED, settings.seed_words),
        keras: reading(COMPACT, "keras"),
        f"{COMPACT}, ONNX Runtime": reading(COMPACT, "onnx"),
        f"{BEST}, ONNX Runtime": reading(BEST, "onnx"),
        f"{BEST}, ONNX Runtime, each word once": reading(BEST, "onnx", "predict.views=1"),
        f"{BEST}, ONNX Runtime, each word once, int8": reading(BEST, "onnx", "predict.views=1", model=INT8),
    }
    results = in_turn(tasks, settings.repeats)
    traces = [result["traces"] for result in results[keras]]
    rows = _speeds("evaluation speed", results, seed)
    return [*rows, Row("evaluation speed", keras, "traces of the graph", f"{settings.words} words", traces)]


def start(settings: Settings) -> list[Row]:
    """Wall time and memory of whole commands."""

    def predict(config: str, runtime: str, *files: Path | str) -> Callable[[], Any]:
        reader = ["experiment_folder=nowhere", *settings.reader(config, runtime)]
        return partial(run, "main.py", "-c", config, "--predict", "--set", *reader, "--filename", *files)

    many = settings.data.files(settings.images)
    tasks = {
        "--predict, TensorFlow": predict(BEST, "keras", TEST_IMAGE),
        "--predict, ONNX Runtime": predict(BEST, "onnx", TEST_IMAGE),
        f"--predict, {BEST}, {len(many)} images": predict(BEST, "onnx", *many),
        f"--predict, {COMPACT}, {len(many)} images": predict(COMPACT, "onnx", *many),
        "--help": partial(run, "main.py", "--help"),
        "a wrong config key": partial(run, "main.py", "--train", "--set", "train.batchsize=3", exit_code=2),
    }
    if settings.repeats > 1:
        in_turn(tasks, 1)  # The first one reads its files from the disk.
    results = in_turn(tasks, settings.repeats)
    rows = []
    for unit, attribute in (("s", "seconds"), ("MB", "peak_mb")):
        runs = {name: [getattr(each, attribute) for each in found] for name, found in results.items()}
        base = next(iter(runs))
        for name, values in runs.items():
            ratio = median(values) / median(runs[base])
            rows.append(Row("start", name, unit, "1 command", values, None if name == base else ratio, base))
    return rows


def generator_speed(settings: Settings) -> list[Row]:
    """Words per second that one core prepares, against training that eats them."""
    names = {"generator": "generator on one core", "training": f"training of {COMPACT}"}
    tasks = {text: settings.task(name, COMPACT, settings.words) for name, text in names.items()}
    return _speeds("generator", in_turn(tasks, settings.repeats), names["training"])


def memory(settings: Settings) -> list[Row]:
    """Largest resident memory with all of the words, against a tenth of them."""
    rows = []
    few = max(1, settings.words // 10)

    def evaluate(words: int, runtime: str) -> dict[str, float]:
        overrides = [*settings.data.overrides(words), *settings.reader(COMPACT, runtime)]
        return {"peak_mb": run("main.py", "-c", COMPACT, "--predict_on_test", "--set", *overrides).peak_mb}

    for name, measured in {
        "training": lambda words: settings.task("training", COMPACT, words)(),
        "evaluation, ONNX Runtime": lambda words: evaluate(words, "onnx"),
        "evaluation, Keras": lambda words: evaluate(words, "keras"),
    }.items():
        tasks = {f"{name}, {words} words": partial(measured, words) for words in (few, settings.words)}
        results = in_turn(tasks, settings.repeats)
        (base, first), (more, second) = (
            (text, [each["peak_mb"] for each in found]) for text, found in results.items()
        )
        rows.append(Row("memory", base, "MB", f"{few} words", first))
        ratio = median(second) / median(first)
        rows.append(Row("memory", more, "MB", f"{settings.words} words", second, ratio, base))
    return rows


def packed(settings: Settings) -> list[Row]:
    """Rendering straight into packed datasets of several sizes, and one epoch of each: speed and memory."""
    rows: list[Row] = []
    smallest: dict[str, Row] = {}
    for words in sorted(settings.packed_words):
        folder, name = settings.data.folder / f"packed-{words}", f"{words} words"
        pack = ["-m", "tools.pack_dataset", "-c", BEST, "--synthetic", words, "--output", folder]
        overrides = [f"train.packed.folder={folder}", "train.additional_data={}"]
        made = run(*map(str, pack))
        read = work("packed", config=BEST, set=overrides, seconds=0)
        shutil.rmtree(folder, ignore_errors=True)
        speeds = {"rendered and packed": words / made.seconds, "an epoch": read["words_per_second"]}
        rows += [Row("packed", f"{what}, {name}", "words/s", name, [speed]) for what, speed in speeds.items()]
        for what, peak in {"rendered and packed": made.peak_mb, "an epoch": read["peak_mb"]}.items():
            base = smallest.get(what)
            ratio = base and peak / base.value
            row = Row("packed", f"{what}, {name}", "MB", name, [peak], ratio, base.n if base else "")
            smallest.setdefault(what, row)
            rows.append(row)
    return rows


PARTS = {
    "training": training_speed,
    "evaluation": evaluation_speed,
    "start": start,
    "generator": generator_speed,
    "memory": memory,
    "packed": packed,
}


def _speeds(part: str, results: dict[str, list[dict[str, Any]]], base: str) -> list[Row]:
    speeds = {name: [each["words_per_second"] for each in found] for name, found in results.items()}
    return [
        Row(
            part,
            name,
            "words/s",
            f"{results[name][0]['words']} words",
            runs,
            None if name == base else median(runs) / median(speeds[base]),
            base,
        )
        for name, runs in speeds.items()
    ]

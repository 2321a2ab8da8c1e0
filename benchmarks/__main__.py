"""Measures speed, start and memory on this machine: python -m benchmarks

Writes results.json and results.md. Only a quiet machine gives figures worth keeping.
"""

import argparse
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import evaluation, generator, memory, normaliser, packed, recurrence, startup, training
from benchmarks.process import run
from benchmarks.report import RESULTS_FILE, Row, write_report
from benchmarks.settings import BEST, COMPACT, Settings, find_words
from utils.cli import number, run_command
from utils.errors import UserError
from utils.files import check_writable

PARTS = {"training": training, "evaluation": evaluation, "start": startup}
PARTS |= {"lines": recurrence, "generator": generator, "normaliser": normaliser, "memory": memory, "packed": packed}


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--images", help="folder of word images (default: a rendered dataset, made for the purpose)")
    add("--labels", help="labels file of them")
    add("--compact", default="snapshots/iam_fast", help=f"model of {COMPACT} (default: %(default)s)")
    add("--best", default="snapshots/iam", help=f"model of {BEST} (default: %(default)s)")
    add("--words", type=number(int, 1), default=20_000, help="words to train on and to read (default: %(default)s)")
    add("--seconds", type=float, default=30, help="of each training (default: %(default)s)")
    add("--repeats", type=number(int, 1), default=3, help="runs whose median counts (default: %(default)s)")
    sizes = [1_000, 10_000]
    add("--packed_words", type=number(int, 1), nargs="+", default=sizes, help="of packed ones (default: 1000 10000)")
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    add("--output", default="benchmarks", help="folder of the results (default: %(default)s)")
    add("--quick", action="store_true", help="a few words once, to check that everything runs")
    options = parser.parse_args(argv)
    if bool(options.images) != bool(options.labels):
        parser.error("--images and --labels go together")
    command = shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if argv is None else argv)])
    return run_command(lambda: _measure(options, command))


def _measure(options: argparse.Namespace, command: str) -> int:
    rows: list[Row] = []
    check_writable(Path(options.output) / RESULTS_FILE)
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(options, Path(folder))
        for part in options.only:
            print(part, file=sys.stderr, flush=True)
            rows += PARTS[part].rows(settings)
    print(write_report(Path(options.output), rows, command), end="")
    return 0


def _settings(options: argparse.Namespace, folder: Path) -> Settings:
    images, labelled, models = folder, [], {}
    if options.quick:
        options.words, options.seconds, options.repeats, options.packed_words = 40, 0.1, 1, [20, 40]
    if options.only != ["packed"]:  # That part renders its own words and reads none.
        images, labelled = find_words(folder, options.words, options.images, options.labels)
        options.words = min(options.words, len(labelled))
        models[COMPACT] = _exported(COMPACT, Path(options.compact), folder)
        models[BEST] = _exported(BEST, Path(options.best), folder)
    size = options.words, options.seconds, options.repeats, tuple(options.packed_words)
    overrides = ("train.batch_size=4",) if options.quick else ()
    return Settings(folder, images, labelled, models, *size, overrides)


def _exported(config: str, model: Path, folder: Path) -> Path:
    """Returns a copy of the model folder with fresh ONNX files."""
    if not model.is_dir():
        raise UserError(f"Model folder {model} does not exist; name one with --compact or --best.")
    copy = folder / Path(config).stem
    shutil.copytree(model, copy)
    overrides = ["experiment_folder=nowhere", f"predict.weights_file={copy}"]
    run("main.py", "-c", config, "--export", "--set", *overrides)
    return copy


if __name__ == "__main__":
    sys.exit(main())

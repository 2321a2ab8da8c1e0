"""Measures speed, start and memory on this machine: python -m benchmarks

Writes results.json, results.md and results.png. A quiet machine gives figures worth keeping.
"""

import argparse
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.data import Data, make_data
from benchmarks.measurements import BEST, COMPACT, INT8, PARTS, Settings
from benchmarks.process import run
from benchmarks.report import write_report
from utils.errors import UserError


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--images", help="folder of word images (default: the embedded dataset, made anew)")
    add("--labels", help="labels file of them")
    add("--compact", default="snapshots/iam_fast", help=f"model of {COMPACT} (default: %(default)s)")
    add("--best", default="snapshots/iam", help=f"model of {BEST} (default: %(default)s)")
    add("--words", type=int, default=20_000, help="words to train on and to read (default: %(default)s)")
    add("--seconds", type=float, default=30, help="of each training (default: %(default)s)")
    add("--repeats", type=int, default=3, help="runs whose median counts (default: %(default)s)")
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    sizes = {"type": int, "nargs": "+", "metavar": "N", "default": [1_000, 10_000]}
    add("--packed_words", help="sizes of the packed datasets (default: %(default)s)", **sizes)
    add("--output", default="benchmarks", help="folder of the results (default: %(default)s)")
    add("--quick", action="store_true", help="a few words once, to see that it works")
    arguments = parser.parse_args(argv)
    if bool(arguments.images) != bool(arguments.labels):
        parser.error("--images and --labels go together")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmarks; returns the exit code."""
    arguments = parse_arguments(argv)
    command = shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if argv is None else argv)])
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = _settings(arguments, Path(folder))
            rows = []
            for part in arguments.only:
                print(part, file=sys.stderr, flush=True)
                rows += PARTS[part](settings)
        write_report(Path(arguments.output), rows, command)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print((Path(arguments.output) / "results.md").read_text(encoding="utf-8"), end="")
    return 0


def _settings(arguments: argparse.Namespace, folder: Path) -> Settings:
    quick = arguments.quick
    words = 40 if quick else arguments.words
    if arguments.only == ["packed"]:  # It renders its own words.
        data, models = Data(folder, [], folder), {}
    else:
        data = make_data(folder, words, arguments.images, arguments.labels)
        folders = {COMPACT: Path(arguments.compact), BEST: Path(arguments.best)}
        models = {
            config: _exported(config, model, folder / Path(config).stem) for config, model in folders.items()
        }
        int8 = ["export.int8=true", "export.largest_loss=1", *data.overrides(words)]
        models[INT8] = _exported(BEST, Path(arguments.best), folder / "int8", *int8)
    return Settings(
        data,
        models,
        words=words,
        seed_words=2 if quick else min(512, words),
        images=min(words, 1000),
        seconds=0.1 if quick else arguments.seconds,
        repeats=1 if quick else arguments.repeats,
        overrides=("train.batch_size=4",) if quick else (),
        packed_words=(20, 40) if quick else tuple(arguments.packed_words),
    )


def _exported(config: str, model: Path, copy: Path, *overrides: str) -> Path:
    """A copy of the model folder with fresh ONNX files."""
    if not model.is_dir():
        raise UserError(f"Model folder {model} does not exist; name one with --compact or --best.")
    shutil.copytree(model, copy)
    run(
        "main.py",
        "-c",
        config,
        "--export",
        "--set",
        *overrides,
        "experiment_folder=nowhere",
        f"predict.weights_file={copy}",
    )
    return copy


if __name__ == "__main__":
    sys.exit(main())

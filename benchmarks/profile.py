"""Where the time of a training step goes, by kind of operation: python -m benchmarks.profile -c CONFIG ...

Writes profile.md. Operations run on several threads at once, so their times add up to more than the step.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.process import median
from benchmarks.report import listed, machine
from utils.config.load import load_config
from utils.config.schema import Config
from utils.errors import UserError
from utils.files import write_text
from utils.keras_import import import_keras

WARM_UP, TIMED, TRACED = 3, 10, 4  # steps
# Parts of the operations' names, each kind by the first that it has.
KINDS = {"convolutions": ("Conv2D",), "matrix products": ("MatMul",), "batch norm": ("BatchNorm",)}
LONGEST = 12  # operations in a table


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__.splitlines()[0])
    parser.add_argument("-c", "--conf", nargs="+", default=["configs/config.yml"], help="configs, one by one")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY.PATH=VALUE", help="override config keys")
    parser.add_argument("--output", default="benchmarks/profile.md", help="file (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        configs = {name: load_config(name, arguments.set) for name in arguments.conf}
        import_keras()
        overrides = ["--set", *arguments.set] if arguments.set else []
        about = machine(" ".join(["python -m benchmarks.profile -c", *configs, *overrides]))
        lines = ["# Profile of a training step", "", *listed(about)]
        for name, config in configs.items():
            lines += ["", f"## {name}", "", *as_markdown(config, *profile(config))]
        write_text(arguments.output, "\n".join(lines) + "\n")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def profile(config: Config) -> tuple[float, Counter[str], Counter[str]]:
    """Runs training steps on the config's data.

    Returns:
        seconds of a step (the median), seconds and calls per step of each kind of operation.
    """
    import tensorflow as tf

    from benchmarks.training import prepare
    from models.precision import precision_scope, resolve_precision

    model, batches = prepare(config)
    examples = [batches.batch(0, index % len(batches)) for index in range(TIMED)]
    with precision_scope(resolve_precision(config.train.precision)), tempfile.TemporaryDirectory() as folder:
        for inputs, targets in (examples * WARM_UP)[: WARM_UP + TIMED]:
            model.keras_model.train_on_batch(inputs, targets)
        seconds = []
        for inputs, targets in examples:
            start = time.perf_counter()
            model.keras_model.train_on_batch(inputs, targets)
            seconds.append(time.perf_counter() - start)
        tf.profiler.experimental.start(folder)
        for inputs, targets in examples[:TRACED]:
            model.keras_model.train_on_batch(inputs, targets)
        tf.profiler.experimental.stop()
        times, calls = _by_operation(Path(folder))
    return median(seconds), times, calls


def as_markdown(config: Config, step: float, times: Counter[str], calls: Counter[str]) -> list[str]:
    """What each kind of operation takes, and a table of the operations that take longest."""
    total = sum(times.values())
    kinds: Counter[str] = Counter()
    for operation, seconds in times.items():
        found = (kind for kind, parts in KINDS.items() if any(part in operation for part in parts))
        kinds[next(found, "the rest")] += seconds
    shares = ", ".join(f"{kind} {seconds / total:.0%}" for kind, seconds in kinds.most_common())
    lines = [
        f"{1000 * step:.0f} ms for {config.train.batch_size} words, the median of {TIMED} steps: {shares}."
    ]
    lines += ["", "| operation | ms per step | share | calls per step |", "|---|---|---|---|"]
    lines += [
        f"| {operation} | {1000 * seconds:.2f} | {seconds / total:.1%} | {calls[operation]} |"
        for operation, seconds in times.most_common(LONGEST)
    ]
    return lines


def _by_operation(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Sums up the traces that TensorFlow's profiler has written to `folder`."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    times: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for path in folder.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            names = {key: value.name for key, value in plane.event_metadata.items()}
            for event in (event for line in plane.lines for event in line.events):
                # Operations are named `path/in/graph:Type`; the rest, such as `A::B`, contains them.
                path_in_graph, colon, operation = names[event.metadata_id].rpartition(":")
                if colon and ":" not in path_in_graph and operation.isidentifier():
                    times[operation] += event.duration_ps / 1e12 / TRACED
                    calls[operation] += 1
    return times, Counter({operation: round(number / TRACED) for operation, number in calls.items()})


if __name__ == "__main__":
    sys.exit(main())

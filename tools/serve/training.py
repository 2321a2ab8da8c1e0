"""The jobs (`--train`, `--export`) of a training on corrections: their command lines, and the process that runs them.

The process itself holds the lock of the learning folder, from the first job to the last: a server that is killed leaves
its training running.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import yaml

from main import main as run_job
from models.model_folder import ModelFolder
from utils.cli import run_command
from utils.locks import learning_lock

NICE = 10  # priority of the training, so that reading stays quick


def training_settings(model: ModelFolder, max_pixels: int) -> dict[str, Any]:
    """Returns the keys that a training takes from the model it starts from: what its weights fit, and its licence."""
    about = model.description
    return {
        "image": {**about.image.model_dump(mode="json"), "max_pixels": max_pixels},
        # The characters come with the weights, and the training may add some.
        "network": {**about.network.model_dump(mode="json"), "charset": None},
        "text": about.text.model_dump(mode="json"),
        "data_licence": model.licence,
    }


def with_settings(arguments: list[str], settings: dict[str, Any]) -> list[str]:
    """Returns the arguments of a job with `settings` laid over the `--set` at their end."""
    return [*arguments, *(f"{name}={_yaml(value)}" for name, value in settings.items())]


def start_jobs(learning: Path, jobs: Sequence[list[str]], log: IO[str]) -> subprocess.Popen:
    """Starts a process that runs `main.py ARGUMENTS` of each job until one fails, and holds the lock of `learning`.

    What they print goes to `log`.
    """
    line = [sys.executable, "-m", __name__, str(learning), json.dumps(jobs)]
    # Where the packages lie, in a checkout and installed, wherever the server was started.
    here = str(Path(__file__).resolve().parents[__name__.count(".")])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment)
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):  # Some systems forbid it, or the process has ended.
            present = os.getpriority(os.PRIO_PROCESS, process.pid)  # of a server started with `nice`
            os.setpriority(os.PRIO_PROCESS, process.pid, max(NICE, present))
    return process


def _yaml(value: Any) -> str:
    """Returns a value on one line; control characters are escaped."""
    style = '"' if isinstance(value, str) else None
    return yaml.safe_dump(value, default_style=style, default_flow_style=True, width=2**30).removesuffix("\n...\n")


def _run(learning: Path, jobs: list[list[str]]) -> int:
    with learning_lock(learning):
        return next(filter(None, map(run_job, jobs)), 0)


if __name__ == "__main__":
    sys.exit(run_command(lambda: _run(Path(sys.argv[1]), json.loads(sys.argv[2]))))

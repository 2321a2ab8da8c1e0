"""One job (`--train`, `--export`) of a training on corrections: its command line, and the process that runs it.

The process itself holds the lock of the learning folder: a server that is killed leaves its training running.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import yaml

from main import main as run_job
from models.model_folder import ModelFolder
from utils.cli import run_command
from utils.locks import learning_lock

NICE = 10  # priority of the training, so that reading stays quick
# Passes over the corrections: no more than give so many readings of lines, about ten minutes on 2 CPU cores.
MOST_READINGS, LEAST_EPOCHS = 8000, 5


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


def length(lines: int, most: int) -> int:
    """Returns the epochs of a training on so many corrected lines: fewer for more lines, `most` for a few hundred."""
    return min(most, max(LEAST_EPOCHS, MOST_READINGS // max(1, lines)))


def start_job(learning: Path, arguments: list[str], settings: dict[str, Any], log: IO[str]) -> subprocess.Popen:
    """Starts `main.py ARGUMENTS` under the lock of the folder `learning`; what it prints goes to `log`.

    `settings` are laid over the `--set` at the end of `arguments`.
    """
    line = [sys.executable, "-m", __name__, str(learning), *arguments]
    line += [f"{name}={_yaml(value)}" for name, value in settings.items()]
    # Where the packages lie, in a checkout and installed, wherever the server was started.
    here = str(Path(__file__).resolve().parents[__name__.count(".")])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment)
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    return process


def _yaml(value: Any) -> str:
    """Returns a value on one line, whatever characters it holds."""
    style = '"' if isinstance(value, str) else None
    return yaml.safe_dump(value, default_style=style, default_flow_style=True, width=2**30).removesuffix("\n...\n")


def _run(learning: Path, arguments: list[str]) -> int:
    with learning_lock(learning):
        return run_job(arguments)


if __name__ == "__main__":
    sys.exit(run_command(lambda: _run(Path(sys.argv[1]), sys.argv[2:])))

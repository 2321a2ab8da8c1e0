"""Runs each measurement in a process of its own, so that memory, threads and imports are its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preprocessing.image_file import configure_process
from utils.config.load import load_config
from utils.config.schema import Config
from utils.errors import UserError
from utils.paths import ROOT

USER_ERROR = 2  # exit code of `utils.cli.run_command`


@dataclass(frozen=True)
class Run:
    """A finished process: wall time, peak resident memory, its output."""

    seconds: float
    peak_mb: float
    output: str


def run(*arguments: Any, exit_code: int = 0) -> Run:
    """Runs `python ARGUMENTS` in the repository; raises RuntimeError if it ends with another exit code.

    Raises UserError if that is 2, with which our commands refuse what the user can correct.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        line = [sys.executable, ROOT / "benchmarks" / "launcher.py", result, sys.executable, *arguments]
        process = subprocess.run(list(map(str, line)), capture_output=True, text=True, cwd=ROOT)
        found = json.loads(result.read_text(encoding="utf-8"))
    if found["exit_code"] != exit_code:
        command = " ".join(map(str, arguments))[:500]
        if found["exit_code"] == USER_ERROR and process.stderr.strip():
            raise UserError(f"{command} was refused: {process.stderr.strip().splitlines()[-1]}")
        raise RuntimeError(f"{command} ended with exit code {found['exit_code']}:\n{process.stderr}")
    return Run(found["seconds"], found["peak_mb"], process.stdout)


def work(task: str, config: str, overrides: Sequence[str], seconds: float) -> dict[str, float]:
    """Runs a function of this package, `module.function`; returns its figures and its process' `peak_mb`."""
    module = task.partition(".")[0]
    code = f"from benchmarks import {module}, process; process.answer({task})"
    finished = run("-c", code, json.dumps([config, overrides, seconds]))
    return {**json.loads(finished.output.splitlines()[-1]), "peak_mb": finished.peak_mb}


def answer(measure: Callable[[Config, float], dict[str, float]]) -> None:
    """The other end of `work`: measures with the config and the seconds from the command line."""
    config, overrides, seconds = json.loads(sys.argv[1])
    configure_process()
    print(json.dumps(measure(load_config(config, overrides), seconds)))


def in_turn(tasks: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[Any]]:
    """Runs all tasks in turn, `repeats` times, so that a slow minute of the machine affects all alike."""
    results: dict[str, list[Any]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            results[name].append(task())
            print(f"  {name}", file=sys.stderr, flush=True)
    return results

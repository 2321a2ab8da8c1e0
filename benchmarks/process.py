"""Runs what is measured in a process of its own, so that memory, threads and imports are its own."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
LAUNCHER = REPOSITORY / "benchmarks" / "launcher.py"


@dataclass(frozen=True)
class Run:
    """A finished process: wall time, largest resident memory, what it printed."""

    seconds: float
    peak_mb: float
    output: str


def run(*arguments: str | Path, exit_code: int = 0) -> Run:
    """Runs `python ARGUMENTS` in the repository.

    Raises:
        RuntimeError: it ended with another exit code.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        line = [sys.executable, LAUNCHER, result, sys.executable, *arguments]
        process = subprocess.run(list(map(str, line)), capture_output=True, text=True, cwd=REPOSITORY)
        found = json.loads(result.read_text(encoding="utf-8"))
    if found["exit_code"] != exit_code:
        command = " ".join(map(str, arguments))[:500]
        raise RuntimeError(f"{command} ended with exit code {found['exit_code']}:\n{process.stderr}")
    return Run(found["seconds"], found["peak_mb"], process.stdout)


def work(task: str, **options: Any) -> dict[str, Any]:
    """Runs one task of `benchmarks/worker.py`; returns its result, with the process' `peak_mb`."""
    finished = run("-m", "benchmarks.worker", task, json.dumps(options))
    return {**json.loads(finished.output.splitlines()[-1]), "peak_mb": finished.peak_mb}


def in_turn(tasks: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[Any]]:
    """Runs all tasks in turn, `repeats` times, so that a slow minute of the machine hits all alike."""
    results: dict[str, list[Any]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            results[name].append(task())
            print(f"  {name}", file=sys.stderr, flush=True)
    return results


def median(values: list[float]) -> float:
    return statistics.median(values)

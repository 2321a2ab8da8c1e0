"""Runs trainings by the command line, and reads and compares what they leave."""

import csv
import json
from pathlib import Path

import numpy as np

import main
from tests.helpers.models import load

# Small, but with all that has a state.
STATEFUL = {
    "train": {
        "num_epochs": 2,
        "optimizer": "adamw",
        "ema_decay": 0.9,
        "schedule": "cosine",
        "save_every_minutes": 1e-9,
        "statistics_batches": 2,
        "fixed_statistics_epochs": 1,
    },
    "network": {"dropout": 0.2},
    "data_aug": {"use_data_aug": True, "noise_range": 4, "wrong_characters": 0.1},
    "callbacks": {"early_stopping": {"enabled": True, "patience": 5}},
}
STILL = {"learning_rate": 1e-12}  # too little to change any prediction


def train(config: str, *overrides: str, restart: bool = False) -> int:
    """Exit code of `main.py --train`."""
    arguments = ["-c", config, "--train", *(["--set", *overrides] if overrides else [])]
    return main.main([*arguments, "--restart"] if restart else arguments)


def state(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of an experiment's training state."""
    with np.load(folder / "state" / "training.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def history(folder: Path) -> list[dict[str, float]]:
    """The rows of an experiment's history.csv; epochs without validation lack its values."""
    with open(folder / "history.csv", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def weights_of(folder: Path) -> list[np.ndarray]:
    """The arrays of a model folder."""
    return load(folder).keras_model.get_weights()


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def assert_same_training(one: Path, other: Path) -> None:
    """Two experiments have the same state, bit for bit, the same history and the same snapshots."""
    first, second = state(one), state(other)
    assert first.keys() == second.keys() and len(first) > 30
    progress = [json.loads(arrays.pop("progress").tobytes()) for arrays in (first, second)]
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    assert progress[0] == progress[1]
    assert history(one) == history(other)
    for name in ("best", "last"):
        assert equal(weights_of(one / name), weights_of(other / name))


def last_line(capsys) -> str:
    """The last line on stderr: one printable sentence, and no traceback above it."""
    error = capsys.readouterr().err
    assert "Traceback" not in error and not set(error) & set("\x1b\x9b")
    line = error.splitlines()[-1]
    assert line.endswith(".") and line.isprintable()
    return line

"""Trying a training out."""

import json
import time
from pathlib import Path

import numpy as np

import main
from tests.helpers.tiny import tiny_settings, write_settings
from trainers.dry_run import StepTimes, batch_sizes


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_dry_run_tells_and_writes_nothing(dataset, tmp_path, capsys):
    config = write_settings(tmp_path / "tiny.yml", tiny_settings(dataset, tmp_path))
    assert main.main(["-c", config, "--train", "--dry_run"]) == 0
    # The cache of decoded images lies beside the dataset.
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yml"]
    lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["parameters", "words", "peak memory", "speed", "time"]
    assert lines["words"].split() == ["20", "in", "3", "batches,", "6", "to", "validate"]
    assert lines["peak memory"].endswith(" GB") and float(lines["peak memory"].split()[0]) > 0.1
    assert "words/s (float32)" in lines["speed"] and "for 2 epochs" in lines["time"]


def test_dry_run_leaves_a_finished_training_alone(dataset, tmp_path, capsys, eagerly):
    config = write_settings(tmp_path / "tiny.yml", tiny_settings(dataset, tmp_path, train={"num_epochs": 1}))
    assert main.main(["-c", config, "--train"]) == 0
    before = files(tmp_path)
    assert main.main(["-c", config, "--train", "--dry_run"]) == 0
    assert files(tmp_path) == before and "parameters:" in capsys.readouterr().out
    experiment = tmp_path / "experiment"
    (run,) = json.loads((experiment / "run.json").read_text(encoding="utf-8"))["runs"]
    assert run["libraries"].keys() >= {"keras", "tensorflow", "numpy", "cv2"} and run["cores"] >= 1


def test_time_goes_by_padded_pixels():
    class Generator:
        widths = np.array([10, 20, 30, 5])

        def positions(self, epoch):
            return [np.array([0, 2]), np.array([1]), np.array([3])]

    assert batch_sizes(Generator()).tolist() == [60, 20, 5]
    times = StepTimes()
    for _ in range(2):
        times.on_train_batch_begin(0)
        time.sleep(0.01)
        times.on_train_batch_end(0)
    assert len(times.seconds) == 2 and min(times.seconds) >= 0.01

"""The training state: what it carries from one run to the next, and what becomes of a damaged or an old one."""

import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.tiny import REPOSITORY
from tests.helpers.training import STILL, assert_same_training, history, train


def test_damaged_state_names_the_one_before(tiny, experiment, eagerly, capsys):
    config = tiny(train={"num_epochs": 2})
    assert train(config) == 0
    current = experiment / "state" / "training.npz"
    before = experiment / "state" / "training.previous.npz"
    current.write_bytes(current.read_bytes()[:5000])
    assert train(config) == 2
    assert f"rename {before.name}" in capsys.readouterr().err
    os.replace(before, current)
    assert train(config) == 0
    assert [row["epoch"] for row in history(experiment)] == [1, 2]


def test_raising_num_epochs_continues(tiny, experiment, eagerly):
    config = tiny(train={"num_epochs": 2}, callbacks={"reduce_lr_on_plateau": {"enabled": True}})
    assert train(config, f"experiment_folder={experiment}-straight") == 0
    assert train(config, "train.num_epochs=1") == 0
    assert len(history(experiment)) == 1
    assert train(config) == 0
    assert_same_training(experiment, Path(f"{experiment}-straight"))


def test_a_state_of_version_1_is_continued(tiny, experiment, eagerly):
    """It was saved after two of four epochs; the numbers are those that its own code went on to."""
    (experiment / "state").mkdir(parents=True)
    shutil.copy(REPOSITORY / "tests" / "data" / "state_v1.npz", experiment / "state" / "training.npz")
    assert train(tiny(train={"num_epochs": 4})) == 0
    rows = history(experiment)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["loss"] for row in rows[2:]] == pytest.approx([4.056385, 3.752203], rel=1e-3)
    assert [row["val_loss"] for row in rows[2:]] == pytest.approx([4.149930, 3.908567], rel=1e-3)


def test_early_stopping_counts_across_runs(tiny, experiment, eagerly, capsys):
    stopping = {"early_stopping": {"enabled": True, "monitor": "val_cer", "patience": 2}}
    config = tiny(train={**STILL, "num_epochs": 9}, callbacks=stopping)
    assert train(config, "train.num_epochs=2") == 0
    assert train(config) == 0
    assert len(history(experiment)) == 3
    capsys.readouterr()
    assert train(config) == 0
    assert "stopped early" in capsys.readouterr().err
    assert len(history(experiment)) == 3
    assert train(config, "callbacks.early_stopping.patience=3") == 0
    assert len(history(experiment)) == 4


def test_plateau_lowers_the_rate_across_runs(tiny, experiment, eagerly):
    plateau = {"enabled": True, "monitor": "val_cer", "factor": 0.5, "patience": 2}
    config = tiny(train={**STILL, "num_epochs": 5}, callbacks={"reduce_lr_on_plateau": plateau})
    assert train(config, "train.num_epochs=2") == 0
    assert train(config) == 0
    rates = [row["learning_rate"] for row in history(experiment)]
    # Epoch 1 sets the mark, 2 and 3 don't better it, so 4 is slower; 4 and 5 count on.
    assert rates == pytest.approx([1e-12, 1e-12, 1e-12, 5e-13, 5e-13])

"""A training keeps what lies in the folder that it writes to."""

import shutil

import numpy as np
import pytest

from callbacks.training_state import read_progress
from tests.helpers.training import equal, last_line, state, train, weights_of
from utils.locks import experiment_lock


def test_models_that_have_outlived_their_state_are_kept(tiny, experiment, eagerly, capsys):
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 0
    before = weights_of(experiment / "best")
    shutil.rmtree(experiment / "state")
    capsys.readouterr()
    assert train(config) == 0
    (kept,) = experiment.parent.glob("experiment-*")
    assert str(kept) in capsys.readouterr().err
    assert equal(weights_of(kept / "best"), before) and (kept / "history.csv").exists()
    assert read_progress(experiment / "state" / "training.npz").epoch == 1


def test_restart_keeps_the_old_run(tiny, experiment, eagerly, capsys):
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 0
    old = state(experiment)
    assert train(config, "seed=2", restart=True) == 0
    assert train(config, "seed=3", restart=True) == 0
    (first, second) = sorted(experiment.parent.glob("experiment-*"))
    assert str(first) in capsys.readouterr().err
    kept = state(first)
    assert all(np.array_equal(old[name], kept[name]) for name in old)
    assert state(experiment)["progress"].tobytes() != state(second)["progress"].tobytes()


def test_restart_leaves_files_that_no_training_wrote(tiny, experiment, eagerly, dataset):
    experiment.mkdir()
    shutil.copy(dataset / "labels.json", experiment)
    config = tiny(train={"num_epochs": 1}, labels_file=str(experiment / "labels.json"))
    assert train(config) == 0
    old = state(experiment)
    assert train(config, "seed=2", restart=True) == 0
    (kept,) = experiment.parent.glob("experiment-*")
    assert all(np.array_equal(old[name], state(kept)[name]) for name in old)
    assert (kept / "best").exists() and not (kept / "labels.json").exists()


def test_restart_in_a_linked_folder_stays_where_the_link_leads(tiny, experiment, eagerly, tmp_path):
    (tmp_path / "disk" / "run").mkdir(parents=True)
    experiment.symlink_to(tmp_path / "disk" / "run")
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 0
    assert train(config, restart=True) == 0
    assert experiment.is_symlink() and (experiment / "history.csv").exists()
    kept = [path for path in (tmp_path / "disk").iterdir() if path.name != "run"]
    assert len(kept) == 1 and (kept[0] / "history.csv").exists()
    assert not list(tmp_path.glob("experiment-*"))


def test_the_working_directory_is_not_set_aside(tiny, eagerly, tmp_path, monkeypatch, capsys):
    config = tiny(train={"num_epochs": 1}, experiment_folder=".")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert train(config) == 0
    assert train(config, restart=True) == 2
    assert "here" in last_line(capsys) and (tmp_path / "here" / "history.csv").exists()


def test_a_model_that_no_training_of_the_folder_wrote_is_kept(tiny, experiment, eagerly):
    (experiment / "mine").mkdir(parents=True)
    (experiment / "mine" / "model.json").write_text("my own", encoding="utf-8")
    callbacks = {"model_best_checkpoint": {"out_file": str(experiment / "mine")}}
    assert train(tiny(train={"num_epochs": 1}, callbacks=callbacks)) == 0
    (kept,) = experiment.glob("mine-*")
    assert (kept / "model.json").read_text(encoding="utf-8") == "my own"


@pytest.mark.parametrize("restart", [False, True])
def test_second_training_in_the_same_folder_is_refused(tiny, experiment, capsys, restart):
    with experiment_lock(experiment):
        assert train(tiny(), restart=restart) == 2
    assert str(experiment) in last_line(capsys)
    assert [path.name for path in experiment.parent.glob("experiment*")] == ["experiment"]
    assert [path.name for path in experiment.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "setting",
    [
        "callbacks.model_best_checkpoint.out_file={experiment}",
        "callbacks.model_last_checkpoint.out_file={experiment}/state/best",
        "train.output.output_weights={experiment}/..",
        "callbacks.model_last_checkpoint.out_file={experiment}/best",
        "train.output.output_weights={experiment}/last",
    ],
)
def test_models_have_folders_of_their_own(tiny, experiment, capsys, setting):
    assert train(tiny(), setting.format(experiment=experiment)) == 2
    assert "out_file" in last_line(capsys) and not experiment.exists()


def test_another_model_where_the_best_is_copied_to_is_kept(tiny, experiment, eagerly, tmp_path):
    config = tiny(train={"num_epochs": 1})
    assert train(config, f"train.output.output_weights={tmp_path / 'copy'}") == 0
    first = weights_of(tmp_path / "copy")
    experiment.rename(tmp_path / "first")
    assert train(config, f"train.output.output_weights={tmp_path / 'copy'}", "seed=2") == 0
    (kept,) = tmp_path.glob("copy-*")
    assert equal(weights_of(kept), first) and not equal(weights_of(tmp_path / "copy"), first)
    # Finished again, the training finds its own model there.
    assert train(config, f"train.output.output_weights={tmp_path / 'copy'}", "seed=2") == 0
    assert len(list(tmp_path.glob("copy-*"))) == 1


@pytest.mark.parametrize("place", ["experiment_folder", "train.output.output_weights"])
def test_places_that_can_not_be_written_are_found_before_decoding(tiny, tmp_path, capsys, place):
    (tmp_path / "file").touch()
    assert train(tiny(), f"{place}={tmp_path / 'file' / 'folder'}", f"cache_folder={tmp_path / 'cache'}") == 2
    assert str(tmp_path / "file") in last_line(capsys) and not (tmp_path / "cache").exists()

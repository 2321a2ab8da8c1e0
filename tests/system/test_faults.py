"""No fault loses work: what is on disk stays whole, the sentence says what to do, and going on is exact.

With real kills of one of two processes: `python -m tests.system.faults`.
"""

import errno
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import main
from callbacks.history import draw_history
from callbacks.save_state import SaveState
from data_generators.data_generator import DataGenerator
from models.losses import CharacterCrossEntropy
from tests.helpers.fault_points import assert_readable, copied_before_each_change, disk_full_at, largest_file
from tests.helpers.tiny import CHARSET
from tests.helpers.training import STATEFUL, assert_same_training, equal, history, last_line, train, weights_of
from trainers.memory import fitting_words
from utils.config.load import load_config
from utils.errors import UserError

pytestmark = pytest.mark.usefixtures("eagerly")


def test_a_kill_at_any_moment_loses_nothing(tiny, experiment, tmp_path):
    """Whatever was about to be changed: all files are whole, and the training ends with the same numbers."""
    config = tiny(**STATEFUL)
    with copied_before_each_change(experiment, tmp_path / "copies") as copies:
        assert train(config) == 0
    positions = [assert_readable(copy) for copy in copies]
    # Each save is met at several moments, and no later copy is further back than an earlier one.
    assert len(copies) > 30 and positions == sorted(positions)
    assert {(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)} <= set(positions)
    within_a_save = [copy for copy in copies if list((copy / "state").glob(".training-*"))]
    assert len(within_a_save) > 5
    for copy in (copies[len(copies) // 3], within_a_save[-2]):
        assert train(config, f"experiment_folder={copy}") == 0
        assert_same_training(copy, experiment)


def test_a_full_disk_at_any_write_keeps_the_state(tiny, experiment, capsys):
    """The disk is full from the n-th flush of each run on; each run goes on where the one before stands."""
    config = tiny(train={"num_epochs": 9})
    before = (0, 0)
    for number in (1, 3, 7, 11, 16, 22):
        with disk_full_at(number) as flushes:
            assert train(config) == 2
        line = last_line(capsys)
        assert len(flushes) >= number and "No space left on device" in line and str(experiment) in line
        position = assert_readable(experiment)
        assert position >= before
        before = position
    assert before >= (1, 0)
    done = before[0] + 1
    assert train(config, f"train.num_epochs={done}") == 0
    assert train(config, f"train.num_epochs={done}", f"experiment_folder={experiment}-straight") == 0
    assert_same_training(experiment, Path(f"{experiment}-straight"))


def test_files_that_the_system_cuts_short(tiny, experiment, capsys):
    """The libraries below write too: numpy, HDF5, TensorFlow. Here the system itself refuses them."""
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 0
    before = assert_readable(experiment)
    state, weights = experiment / "state" / "training.npz", next((experiment / "last").glob("*.h5"))
    sizes = {"training.npz": state.stat().st_size, "model-": weights.stat().st_size}
    for name, size in sizes.items():
        for limit in (size - 1, size // 2):
            with largest_file(limit):
                assert train(config, "train.num_epochs=2") == 2
            line = last_line(capsys)
            assert "File too large" in line and (name in line or limit < min(sizes.values()))
            assert assert_readable(experiment) == before
            assert not list(experiment.rglob(".*.part.*"))
    assert train(config, "train.num_epochs=2") == 0
    assert [row["epoch"] for row in history(experiment)] == [1, 2]


def test_a_result_that_can_not_be_printed(tiny, capsys, monkeypatch, dataset):
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 0
    capsys.readouterr()
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code = main.main(["-c", config, "--predict", "--filename", str(dataset / "words")])
        monkeypatch.undo()
        assert code == 2 and "No space left on device" in last_line(capsys)


def test_weights_that_are_no_numbers_are_never_saved(tiny, experiment, after_step, monkeypatch, capsys):
    """The loss would tell it only at the next step, when the good state is gone."""

    def spoil(model):
        variable = model.trainable_variables[-1]
        variable.assign(np.full(variable.shape, np.nan))

    config = tiny(**STATEFUL)
    after_step(2, spoil)
    assert train(config) == 2
    monkeypatch.undo()
    line = last_line(capsys)
    assert "step 2 of epoch 1" in line and "train.learning_rate" in line
    assert assert_readable(experiment) == (0, 1)
    assert train(config) == 0
    assert train(config, f"experiment_folder={experiment}-straight") == 0
    assert_same_training(experiment, Path(f"{experiment}-straight"))


def fail_above(words, monkeypatch):
    """Lets batches of more words run out of memory."""
    import tensorflow as tf

    real = CharacterCrossEntropy.call

    def call(self, y_true, y_pred):
        if len(y_true) > words:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return real(self, y_true, y_pred)

    monkeypatch.setattr(CharacterCrossEntropy, "call", call)


def test_out_of_memory_names_the_batch_width_that_fits(tiny, monkeypatch, capsys):
    """Where the width limits a batch, fewer words a batch would change nothing for lines and slow down words."""
    fail_above(3, monkeypatch)
    config = tiny(image={"fixed_width": True}, train={"num_epochs": 1, "batch_size": 20})
    width = load_config(config).image.image_size.x_size
    assert main.main(["-c", config, "--train", "--dry_run", "--set", f"train.batch_width={8 * width}"]) == 2
    assert f"train.batch_width={2 * width} fits" in last_line(capsys)
    assert train(config, f"train.batch_width={8 * width}") == 2
    assert f"train.batch_width={2 * width} fits" in last_line(capsys)
    assert train(config, f"train.batch_width={2 * width}") == 0


def test_out_of_memory_names_the_batch_size_that_fits(tiny, monkeypatch, capsys):
    fail_above(3, monkeypatch)
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 2
    assert "train.batch_size=2" in last_line(capsys)
    assert train(config, "train.batch_size=2") == 0
    monkeypatch.setattr(CharacterCrossEntropy, "call", lambda *args: (_ for _ in ()).throw(MemoryError()))
    assert train(config, "train.num_epochs=2", "train.batch_size=2") == 2
    assert "one word" in last_line(capsys)


@pytest.mark.parametrize("fitting", [1, 0])
def test_out_of_memory_tries_the_widest_word_alone(fitting):
    """A batch of many narrow words failed, of which one of the widest fills more than half."""

    def step(words):
        if len(words) > fitting:
            raise MemoryError

    batches = SimpleNamespace(
        widths=np.array([100, 2500, 90]), batch_size=20, batch_width=4096, make_batch=lambda words, epoch: (words,)
    )
    assert fitting_words(SimpleNamespace(train_on_batch=step), batches) == fitting


def test_what_a_worker_thread_meets_is_told_as_it_is(tiny, monkeypatch, capsys):
    def fail(error):
        def make_batch(self, positions, epoch):
            raise error

        monkeypatch.setattr(DataGenerator, "make_batch", make_batch)

    fail(OSError(errno.EIO, os.strerror(errno.EIO), "/mnt/words"))
    assert train(tiny()) == 2
    assert "/mnt/words" in last_line(capsys)
    fail(UserError("The words are gone."))
    for dry_run in ([], ["--dry_run"]):
        assert main.main(["-c", tiny(), "--train", *dry_run]) == 2
        assert last_line(capsys) == "The words are gone."
    fail(ZeroDivisionError("our own fault"))
    with pytest.raises(ZeroDivisionError, match="our own fault"):
        train(tiny())


def test_a_cache_cut_short_while_training(tiny, experiment, tmp_path, after_step, monkeypatch, capsys):
    """A mapped file would have killed the process; here the same command makes it anew and goes on."""
    config = tiny(train={"num_epochs": 6}, cache_folder=str(tmp_path / "cache"))

    def cut(model):
        for path in (tmp_path / "cache").glob("train-*.pixels"):
            os.truncate(path, 10)

    after_step(1, cut)
    assert train(config) == 2
    line = last_line(capsys)
    assert str(tmp_path / "cache") in line
    monkeypatch.undo()
    assert train(config) == 0
    assert [row["epoch"] for row in history(experiment)] == [1, 2, 3, 4, 5, 6]


def test_a_begun_training_needs_the_model_it_started_from_no_more(tiny, experiment, tmp_path, capsys):
    assert train(tiny(train={"num_epochs": 1})) == 0
    experiment.rename(tmp_path / "first")
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "first" / "best")}
    config = tiny(train={"num_epochs": 1, "weights_initialization": start}, network={"charset": None})
    assert train(config) == 0
    shutil.rmtree(tmp_path / "first")
    capsys.readouterr()
    assert train(config) == 0
    assert "finished" in capsys.readouterr().err
    assert train(config, "train.num_epochs=2") == 0
    description = json.loads((experiment / "last" / "model.json").read_text(encoding="utf-8"))
    assert description["charset"] == CHARSET and description["origin"]["epoch"] == 2
    assert train(config, restart=True) == 2
    assert "restore_from" in last_line(capsys) and (experiment / "last").exists()


def test_a_fresh_training_keeps_models_that_lie_elsewhere(tiny, tmp_path, capsys):
    elsewhere = {"model_best_checkpoint": {"out_file": str(tmp_path / "models" / "best")}}
    config = tiny(train={"num_epochs": 1}, callbacks=elsewhere)
    assert train(config) == 0
    first = weights_of(tmp_path / "models" / "best")
    assert train(config, "seed=2", restart=True) == 0
    (kept,) = (tmp_path / "models").glob("best-*")
    assert str(kept) in capsys.readouterr().err
    assert equal(weights_of(kept), first) and not equal(weights_of(tmp_path / "models" / "best"), first)
    assert train(config, "seed=2", "train.num_epochs=2") == 0
    assert len(list((tmp_path / "models").iterdir())) == 2


@pytest.mark.parametrize("place", ["model_best_checkpoint", "model_last_checkpoint", "output"])
def test_models_that_can_not_be_written_are_told_before_training(tiny, experiment, tmp_path, capsys, place):
    (tmp_path / "file").touch()
    name = str(tmp_path / "file" / "best")
    changes = {"callbacks": {place: {"out_file": name}}}
    if place == "output":
        changes = {"train": {"output": {"output_weights": name}}}
    assert train(tiny(**changes)) == 2
    assert f"Can't write {name}" in last_line(capsys) and not (experiment / "state").exists()


def test_no_more_handles_from_epoch_to_epoch(tiny, monkeypatch):
    monkeypatch.setattr("callbacks.history.draw_history", draw_history)  # the curves, too
    handles, real = [], SaveState.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        real(self, epoch, logs)
        handles.append(len(os.listdir("/proc/self/fd")))

    monkeypatch.setattr(SaveState, "on_epoch_end", on_epoch_end)
    assert train(tiny(train={"num_epochs": 8})) == 0
    # Fewer is no fault: those of an earlier training may be released meanwhile.
    assert len(handles) == 8 and max(handles[3:]) <= handles[2]

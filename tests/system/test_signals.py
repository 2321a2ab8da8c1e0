"""Signals while training: all files stay whole, and the same command goes on where it stands."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

from callbacks.progress_bar import ProgressBar
from predictors.predictor_seq2seq import PredictorSeq2Seq
from tests.helpers.fault_points import assert_readable, signal_at
from tests.helpers.tiny import REPOSITORY, merged, tiny_settings, write_settings
from tests.helpers.training import STATEFUL, assert_same_training, history, last_line, train

pytestmark = pytest.mark.usefixtures("eagerly")


def test_a_signal_at_any_change_leaves_all_files_whole(tiny, experiment, capsys):
    """Before training, within saves and between them: each run goes on where the one before stands."""
    config = tiny(**merged(STATEFUL, {"train": {"num_epochs": 6}}))
    # First, so that the images are decoded and only the training itself changes anything below.
    assert train(config, f"experiment_folder={experiment}-straight") == 0
    capsys.readouterr()
    before, within = (0, 0), []
    for number, one in zip((2, 9, 15, 14, 16, 15, 17, 20, 22, 16), (signal.SIGTERM, signal.SIGINT) * 5):
        with signal_at(number, [one]) as changes:
            code = train(config)
        if len(changes) < number:
            break
        line, position = last_line(capsys), assert_readable(experiment)
        assert code == 128 + one and position >= before
        # Unless the signal came in the middle of cleaning up; the next training does that, then.
        assert changes[number - 1] == "unlink" or not list(experiment.rglob(".*.part.*"))
        if "nothing is half-written" not in line:
            # What was being written when the signal came is there.
            assert "the same command continues" in line and position > before
            within.append(changes[number - 1])
        before = position
    assert len(set(within)) > 2, within
    assert train(config) == 0
    assert_same_training(experiment, Path(f"{experiment}-straight"))


def test_a_signal_during_validation_ends_after_it(tiny, experiment, monkeypatch, capsys):
    real = PredictorSeq2Seq.predict_dataset

    def predict_dataset(self, *args):
        signal.raise_signal(signal.SIGTERM)
        return real(self, *args)

    config = tiny(**STATEFUL)
    monkeypatch.setattr(PredictorSeq2Seq, "predict_dataset", predict_dataset)
    assert train(config) == 143
    assert "after epoch 1" in last_line(capsys)
    assert assert_readable(experiment) == (1, 0)
    assert [row["epoch"] for row in history(experiment)] == [1]
    assert (experiment / "best" / "model.json").exists()


@pytest.mark.parametrize("ended", [False, True])
def test_a_signal_after_the_last_save_is_not_forgotten(tiny, experiment, monkeypatch, capsys, ended):
    """Of two `fit`s (statistics are fixed in the second) it would only end the first; `ended`: not even that."""
    config = tiny(**merged(STATEFUL, {"train": {"num_epochs": 2, "fixed_statistics_epochs": 1}}))

    real = keras.Model.fit

    def on_train_end(self, logs=None):
        signal.raise_signal(signal.SIGTERM)

    def fit(self, *args, **options):
        real(self, *args, **options)
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        if ended:
            patch.setattr(keras.Model, "fit", fit)
        else:
            patch.setattr(ProgressBar, "on_train_end", on_train_end, raising=False)
        assert train(config) == 143
    assert "after epoch 1" in last_line(capsys)
    assert assert_readable(experiment) == (1, 0)
    assert train(config) == 0
    assert assert_readable(experiment) == (2, 0)


def test_a_second_signal_within_a_save_is_as_a_kill(tiny, experiment):
    """In a process of its own, which it ends; what was being written was a temporary."""
    config = tiny(train={"num_epochs": 1000, "save_every_minutes": 1e-9})
    program = (
        "import signal, main\n"
        "import tensorflow as tf\n"
        "tf.config.run_functions_eagerly(True)\n"
        "from tests.helpers import fault_points\n"
        "with fault_points.signal_at(60, [signal.SIGINT, signal.SIGTERM]):\n"
        f"    main.main(['-c', {config!r}, '--train'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == -signal.SIGTERM, result.stderr
    assert "once more to stop at once" in result.stderr and "Traceback" not in result.stderr
    assert assert_readable(experiment) > (0, 0)


def test_sigterm_saves_and_ends(dataset, tmp_path):
    """The process leaves with threads, iterators and bars closed, and says how to go on."""
    settings = tiny_settings(dataset, tmp_path, train={"num_epochs": 1_000_000, "save_every_minutes": 1e-5})
    config = write_settings(tmp_path / "endless.yml", settings)
    state = tmp_path / "experiment" / "state" / "training.npz"
    line = [sys.executable, str(REPOSITORY / "main.py"), "-c", config, "--train"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not state.exists() and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            error = process.communicate(timeout=600)[1]
        finally:
            process.kill()  # Or leaving the block would wait for it.
    assert process.returncode == 143, error
    assert "the same command continues" in error.splitlines()[-1] and "Traceback" not in error

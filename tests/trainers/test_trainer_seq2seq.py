"""Training: what it writes, when it stops, and that an interrupted one goes on as if nothing had been."""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from callbacks.training_state import read_progress
from metrics.score_prediction import score_prediction
from predictors.predictor_seq2seq import PredictorSeq2Seq
from tests.helpers.data import open_split
from tests.helpers.models import description_of, load
from tests.helpers.tiny import CHARSET, REPOSITORY, merged, tiny_settings, write_settings
from tests.helpers.training import STILL, assert_same_training, equal, history, last_line, state, train, weights_of

# Everything that has a state: dropout, averages, schedule, batch norm, augmentation.
FULL = {
    "train": {
        "num_epochs": 3,
        "precision": "auto",
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "clip_norm": 1.0,
        "ema_decay": 0.9,
        "label_smoothing": 0.1,
        "schedule": "cosine",
        "warmup_steps": 4,
        "statistics_batches": 2,
        "fixed_statistics_epochs": 1,
    },
    "network": {"attention": "luong", "embedding_dim": 4, "dropout": 0.2},
    "data_aug": {
        "use_data_aug": True,
        "rotation_range": 2,
        "shear_range": 5,
        "noise_range": 4,
        "wrong_characters": 0.2,
    },
    "callbacks": {"early_stopping": {"enabled": True, "patience": 5}},
}
STEPS = 3  # of 8 words, for 20
EAGERLY = """
import sys
import tensorflow as tf
tf.config.run_functions_eagerly(True)
import main
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def full(dataset, tmp_path_factory) -> Path:
    """Folder with full.yml and an uninterrupted training of it in experiment/."""
    folder = tmp_path_factory.mktemp("full")
    more = {
        "train": {"output": {"output_weights": str(folder / "copy")}},
        "callbacks": {"tensorboard": {"enabled": True}},
    }
    settings = tiny_settings(dataset, folder, **merged(FULL, more))
    assert train(write_settings(folder / "full.yml", settings)) == 0
    return folder


@pytest.fixture
def full_again(dataset, tmp_path) -> str:
    """Config file of the same training in another folder."""
    return write_settings(tmp_path / "full.yml", tiny_settings(dataset, tmp_path, **FULL))


def test_files_of_a_run(full):
    folder = full / "experiment"
    rows = history(folder)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert all(math.isfinite(row[name]) for name in ("loss", "val_loss", "val_cer", "val_wer"))
    assert list((folder / "tensorboard").rglob("events.out.tfevents.*"))
    assert (folder / "config.yml").is_file() and cv2.imread(str(folder / "history.png")) is not None
    assert not list(folder.rglob(".*npz")) and not list(folder.rglob(".model*"))
    description = json.loads((folder / "last" / "model.json").read_text(encoding="utf-8"))
    assert description["origin"]["epoch"] == 3
    assert description["origin"]["metrics"]["val_cer"] == rows[-1]["val_cer"]
    assert equal(weights_of(full / "copy"), weights_of(folder / "best"))


def test_best_snapshot_scores_what_its_epoch_scored(full, make_config):
    folder = full / "experiment"
    best = min(history(folder), key=lambda row: row["val_cer"])
    network, description = load(folder / "best"), description_of(folder / "best")
    assert description["origin"]["epoch"] == best["epoch"]
    config = make_config()
    words = open_split(config, "val")
    texts = [prediction.text for prediction in PredictorSeq2Seq(network).predict_dataset(words)]
    scores = score_prediction([word.label for word in words.words], texts)
    assert (scores.cer, scores.wer) == (best["val_cer"], best["val_wer"])


def test_snapshots_hold_averages_and_training_goes_on_with_raw_weights(full):
    folder = full / "experiment"
    network = load(folder / "last")
    saved = state(folder)
    optimizer = [array for name, array in saved.items() if name.startswith("optimizer/")]
    model = [array for name, array in saved.items() if name.startswith("model/")]
    for variable in network.keras_model.trainable_variables:
        value = variable.numpy()
        assert any(np.array_equal(value, array) for array in optimizer), variable.path
        assert not any(np.array_equal(value, array) for array in model), variable.path


def test_finished_run_says_so_and_does_nothing(full, capsys):
    before = {path: path.stat().st_mtime_ns for path in (full / "experiment").rglob("*.*") if path.name != ".lock"}
    assert train(str(full / "full.yml")) == 0
    assert "train.num_epochs" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize(
    "change, name",
    [
        ("network.latent_dim=13", "network.latent_dim"),
        ("image.binarization=otsu", "image.binarization"),
        ("train.optimizer=sgd", "optimizer"),
        (f"network.charset={json.dumps(CHARSET[:-1] + chr(0xE9))}", "new: '\u00e9', gone: '~'"),
        ("text.direction=rtl", "text.direction"),
    ],
)
def test_another_network_in_the_same_folder_is_refused(full, capsys, change, name):
    files = [full / "experiment" / name for name in ("config.yml", "run.json", "state/training.npz")]
    before = [file.read_bytes() for file in files]
    assert train(str(full / "full.yml"), change, "train.num_epochs=4") == 2
    error = last_line(capsys)
    assert name in error and "--restart" in error
    assert [file.read_bytes() for file in files] == before


@pytest.fixture
def signal_after(after_step):
    """A function: the step of this process' training after which SIGINT arrives."""
    return lambda number: after_step(number, lambda model: signal.raise_signal(signal.SIGINT))


def test_resumed_after_ctrl_c_is_as_uninterrupted(full, full_again, experiment, signal_after, capsys):
    handler = signal.getsignal(signal.SIGINT)
    signal_after(STEPS + 2)
    assert train(full_again) == 130
    assert "step 2 of epoch 2" in last_line(capsys)
    progress = read_progress(experiment / "state" / "training.npz")
    assert progress.position == (1, 2)
    assert signal.getsignal(signal.SIGINT) is handler
    assert train(full_again) == 0
    assert "Continuing the training" in capsys.readouterr().err
    assert_same_training(experiment, full / "experiment")


def test_resumed_after_a_kill_is_as_uninterrupted(full_again, experiment, eagerly):
    straight = experiment.with_name("straight")
    assert train(full_again, f"experiment_folder={straight}") == 0
    state_file = experiment / "state" / "training.npz"
    line = [sys.executable, "-c", EAGERLY, "-c", full_again, "--train", "--set", "train.save_every_minutes=0.00001"]
    with subprocess.Popen(line, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as process:
        while not state_file.exists() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    progress = read_progress(state_file)
    assert (0, 0) < progress.position < (3, 0)
    assert train(full_again) == 0
    assert_same_training(experiment, straight)


def test_ctrl_c_in_the_last_step_of_an_epoch(tiny, experiment, signal_after, eagerly):
    straight = tiny(train={"num_epochs": 2}, network={"ctc_weight": 0.3})
    assert train(straight, f"experiment_folder={experiment}-straight") == 0
    signal_after(STEPS)
    assert train(straight) == 130
    progress = read_progress(experiment / "state" / "training.npz")
    assert progress.position == (1, 0)
    assert train(straight) == 0
    assert_same_training(experiment, Path(f"{experiment}-straight"))


def test_another_batch_size_of_as_many_steps_starts_the_epoch_over(tiny, experiment, signal_after, eagerly, capsys):
    """20 words in batches of 8 or 9 are 3 steps, but other words each."""
    config = tiny(train={"num_epochs": 1, "batch_size": 8})
    signal_after(2)
    assert train(config) == 130
    assert train(config, "train.batch_size=9") == 0
    assert "another size" in capsys.readouterr().err and len(history(experiment)) == 1


@pytest.mark.parametrize("steps", [2, STEPS])
def test_another_batch_size_continues(tiny, experiment, signal_after, eagerly, capsys, steps):
    """Within an epoch too, which starts over; the learning rate is as far on its schedule as it was."""
    cosine = {"schedule": "cosine", "learning_rate": 0.01, "final_learning_rate": 0.0, "warmup_steps": 0}
    config = tiny(train={**cosine, "num_epochs": 2})
    signal_after(steps)
    assert train(config) == 130
    assert train(config, "train.batch_size=4") == 0
    assert ("another size" in capsys.readouterr().err) == (steps < STEPS)
    rows = history(experiment)
    assert [row["epoch"] for row in rows] == [1, 2]
    # 20 words are 5 steps then, and the last of 10 is step 9.
    assert rows[-1]["learning_rate"] == pytest.approx(0.01 * 0.5 * (1 + math.cos(math.pi * 9 / 10)))


def test_schedule_reaches_the_optimizer(full):
    rates = [row["learning_rate"] for row in history(full / "experiment")]

    def cosine(step: int) -> float:
        return 1e-5 + (0.01 - 1e-5) * 0.5 * (1 + math.cos(math.pi * (step - 4) / 5))

    # Steps 2, 5 and 8 are the last of their epochs; the first of four warm-up steps is step 0.
    assert rates == pytest.approx([0.01 * 3 / 4, cosine(5), cosine(8)], rel=1e-6)


def test_starting_from_another_model(full, tiny, experiment, eagerly, capsys):
    """Weights and charset come from it; with next to no learning they stay what they were."""
    source = full / "experiment" / "best"
    start = {"use_pretrained_weights": True, "restore_from": str(source)}
    train_section = {**STILL, "num_epochs": 1, "weights_initialization": start}
    network = {**FULL["network"], "charset": None}
    assert train(tiny(train=train_section, network=network)) == 0
    assert "Starting from the weights" in capsys.readouterr().err
    before, after = load(source), load(experiment / "last")
    assert after.tokenizer.charset == before.tokenizer.charset
    for one, other in zip(before.keras_model.trainable_variables, after.keras_model.trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-9)
    assert train(tiny(train=train_section, network={**network, "latent_dim": 13}), restart=True) == 2
    assert "network.latent_dim" in last_line(capsys)
    assert (experiment / "last").exists()

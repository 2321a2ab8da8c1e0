"""Real trainings on two devices: two processes with JAX, and two virtual CPUs with TensorFlow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from callbacks.training_state import read_progress
from metrics.score_prediction import score_prediction
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from predictors.predictor_seq2seq import make_decoder
from preprocessing.labels import read_labels
from preprocessing.tokenizer import Tokenizer
from tests.helpers.data import open_words
from tests.helpers.data_parallel import recorded, start_processes
from tests.helpers.models import keras_predictor
from tests.helpers.tiny import REPOSITORY, tiny_settings, write_settings
from utils.config.load import validate_config
from utils.config.predict import PredictConfig

# One shape of batches, for XLA takes seconds to compile for each.
ONE_SHAPE = {
    "image": {"fixed_width": True},
    "network": {"fixed_seq_length": True, "attention": "luong", "embedding_dim": 4},
}
MIRRORED = """
import sys
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import main
sys.exit(main.main(sys.argv[1:]))
"""


def settings_of(dataset: Path, folder: Path, **distribution) -> dict:
    train = {"batch_size": 8, "statistics_batches": 2, "distribution": distribution}
    return tiny_settings(dataset, folder, train=train, **ONE_SHAPE)


def check_validation(dataset: Path, folder: Path, settings: dict) -> None:
    """TensorFlow reads with the last snapshot what was read after the last epoch."""
    config = validate_config(settings, "test")
    words = open_words(config, read_labels(dataset / "labels.json").splits["val"], "val")
    texts = [p.text for p in keras_predictor(folder / "last").predict_dataset(words)]
    history = read_progress(folder / "state" / "training.npz").history
    assert [row["epoch"] for row in history] == [1, 2]
    scores = score_prediction([word.label for word in words.words], texts)
    assert (scores.cer, scores.wer) == (history[-1]["val_cer"], history[-1]["val_wer"])


@pytest.mark.parametrize("decoder", ["greedy", "beam"])
def test_decoders_follow_all_weights_of_the_network(make_config, decoder):
    """JAX compiles in, for good, the weights of layers that a decoder doesn't tell Keras of."""
    config = make_config(network={"attention": "luong", "ctc_weight": 0.3})
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("ab")))
    known = {id(v) for v in make_decoder(network, PredictConfig(decoder=decoder, beam_width=2)).variables}
    assert {id(v) for v in network.keras_model.weights} <= known


def test_two_processes_train_one_network(dataset, tmp_path):
    settings = settings_of(dataset, tmp_path)
    processes = start_processes(2, write_settings(tmp_path / "two.yml", settings), tmp_path)
    alone = tmp_path / "alone"
    alone.mkdir()
    processes += start_processes(1, write_settings(alone / "one.yml", settings_of(dataset, alone)), alone)
    codes = [process.wait(timeout=500) for process in processes]
    logs = [tmp_path / "0.log", tmp_path / "1.log", alone / "0.log"]
    assert codes == [0, 0, 0], [log.read_text("utf-8")[-2000:] for log in logs]
    first, second, one = (recorded(log.with_suffix(".jsonl")) for log in logs)
    assert first == second and len(first) == 6
    # The network that one process trains: the same words in the same steps, and the same losses.
    assert [sorted(step["words"]) for step in first] == [sorted(step["words"]) for step in one]
    assert [step["loss"] for step in first] == pytest.approx([step["loss"] for step in one], rel=1e-4)
    for epoch in range(2):
        words = [word for step in first if step["epoch"] == epoch for word in step["words"]]
        assert sorted(words) == list(range(20))
    assert np.isfinite([step["loss"] for step in first]).all()
    check_validation(dataset, tmp_path / "experiment", settings)


def test_mirrored_strategy_on_two_devices(dataset, tmp_path):
    settings = settings_of(dataset, tmp_path, strategy="mirrored")
    config = write_settings(tmp_path / "mirrored.yml", settings)
    line = [sys.executable, "-c", MIRRORED, "-c", config, "--train"]
    result = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    check_validation(dataset, tmp_path / "experiment", settings)

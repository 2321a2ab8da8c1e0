"""Snapshots are written when the monitored value improves, with averaged weights where there are such."""

import math

import keras
import numpy as np
import pytest

from callbacks.evaluation_model import EvaluationModel, averaged_weights
from callbacks.snapshot import Snapshot
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from preprocessing.tokenizer import Tokenizer
from tests.helpers.training import STILL, equal, last_line, train, weights_of
from utils.cluster import Cluster


def test_snapshots_follow_the_monitored_value(make_config, tmp_path):
    config = make_config()
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("ab")))
    network.compile(keras.optimizers.SGD(0.1))
    best = Snapshot(tmp_path / "best", EvaluationModel(network, Cluster(), "float32"), {}, "val_cer")
    last = Snapshot(tmp_path / "last", EvaluationModel(network, Cluster(), "float32"), {})
    weights = []
    for epoch, value in enumerate([0.5, 0.3, 0.4, math.nan, None, 0.3]):
        network.keras_model.set_weights([array + 1 for array in network.keras_model.get_weights()])
        weights.append(network.keras_model.get_weights())
        for callback in (best, last):
            callback.set_model(network.keras_model)
            callback.on_epoch_end(epoch, {} if value is None else {"val_cer": value})
    assert equal(weights_of(tmp_path / "best"), weights[1])
    assert equal(weights_of(tmp_path / "last"), weights[5])
    assert best.best == 0.3


def test_averaged_weights_stand_in_for_a_while():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[1.0]])])
    model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75), loss="mse")
    inputs, target = np.array([[1.0]]), np.array([[0.0]])
    model.train_on_batch(inputs, target)  # gradient 2w: the weight goes from 1 to -1
    raw = float(model.get_weights()[0][0, 0])
    # Keras starts the average at the first weights that it sees.
    with averaged_weights(model):
        first = float(model.get_weights()[0][0, 0])
    model.train_on_batch(inputs, target)  # and from -1 to 1
    with pytest.raises(RuntimeError), averaged_weights(model):
        assert float(model.get_weights()[0][0, 0]) == pytest.approx(0.75 * first + 0.25 * 1)
        raise RuntimeError
    assert raw == pytest.approx(-1) and float(model.get_weights()[0][0, 0]) == pytest.approx(1)


def test_diverged_training_keeps_its_snapshots(tiny, experiment, eagerly, capsys):
    config = tiny(train={"num_epochs": 1, "optimizer": "sgd"})
    assert train(config) == 0
    before = {name: weights_of(experiment / name) for name in ("best", "last")}
    assert train(config, "train.num_epochs=3", "train.learning_rate=1.0e+38") == 2
    assert "train.learning_rate" in last_line(capsys)
    assert all(equal(weights_of(experiment / name), before[name]) for name in before)


def test_a_diverged_restart_is_not_continued_by_the_same_command(tiny, eagerly, capsys):
    config = tiny(train={"num_epochs": 2, "optimizer": "sgd", "learning_rate": 1e38})
    assert train(config, restart=True) == 2
    assert "Leave out --restart" in last_line(capsys)


def test_a_best_model_that_is_to_be_elsewhere_from_now_on_is_written_there(tiny, eagerly, tmp_path):
    config = tiny(train={**STILL, "num_epochs": 1})
    assert train(config) == 0
    elsewhere = tmp_path / "elsewhere"
    assert train(config, "train.num_epochs=2", f"callbacks.model_best_checkpoint.out_file={elsewhere}") == 0
    assert (elsewhere / "model.json").exists()


def test_a_warm_up_that_the_training_does_not_outlast_is_told(tiny, eagerly, capsys):
    assert train(tiny(train={"num_epochs": 1, "warmup_steps": 100})) == 0
    assert "train.warmup_steps 100" in capsys.readouterr().err

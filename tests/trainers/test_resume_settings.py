"""Settings that change between a training and its continuation, or come from the model to start from."""

import json
import shutil

import pytest

from models.model_folder import ModelFolder
from tests.helpers.training import history, last_line, train
from utils.config.load import load_config


def test_a_constant_rate_replaces_a_cosine_at_its_end(tiny, experiment, eagerly):
    config = tiny(train={"num_epochs": 1, "schedule": "cosine", "final_learning_rate": 1e-6})
    assert train(config) == 0
    assert train(config, "train.schedule=constant", "train.num_epochs=2") == 0
    assert history(experiment)[-1]["learning_rate"] == pytest.approx(load_config(config).train.learning_rate)


def test_new_characters_are_refused_rather_than_left_out(tiny, experiment, dataset, tmp_path, eagerly, capsys):
    assert train(tiny(train={"num_epochs": 1})) == 0
    experiment.rename(tmp_path / "first")
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "first" / "best"), "add_characters": True}
    config = tiny(train={"num_epochs": 1, "weights_initialization": start}, network={"charset": None})
    assert train(config) == 0
    splits = json.loads((dataset / "labels.json").read_text(encoding="utf-8"))
    splits["train"][0]["label"] = "öäü"
    (tmp_path / "more.json").write_text(json.dumps(splits), encoding="utf-8")
    assert train(config, f"labels_file={tmp_path / 'more.json'}", "train.num_epochs=2") == 2
    error = last_line(capsys)
    assert "äöü" in error and "--restart" in error and "where network.charset is null" in error
    assert [row["epoch"] for row in history(experiment)] == [1]


def test_the_geometry_of_reading_is_kept(tiny, experiment, eagerly, capsys):
    """In augmented training the margin is 0, in validation the config's."""
    config = tiny(train={"num_epochs": 1}, data_aug={"use_data_aug": True, "rotation_range": 2})
    assert train(config) == 0
    assert train(config, "image.margin=3", "train.num_epochs=2") == 2
    assert "image.margin" in last_line(capsys)
    assert ModelFolder(experiment / "last").spec.image.margin == 0


def test_the_licence_of_the_model_to_start_from_stays(tiny, experiment, tmp_path, eagerly):
    assert train(tiny(train={"num_epochs": 1}, data_licence="for research only")) == 0
    experiment.rename(tmp_path / "first")
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "first" / "best")}
    config = tiny(train={"num_epochs": 1, "weights_initialization": start})
    assert train(config) == 0
    shutil.rmtree(tmp_path / "first")
    for model in ("best", "last"):  # as if the first epoch had been interrupted
        shutil.rmtree(experiment / model)
    assert train(config, "train.num_epochs=2") == 0
    assert ModelFolder(experiment / "last").licence == "for research only"
    from_scratch = "train.weights_initialization.use_pretrained_weights=false"
    assert train(config, from_scratch, restart=True) == 0
    assert ModelFolder(experiment / "last").licence == ""
    assert train(config, from_scratch, "data_licence=free", restart=True) == 0
    assert ModelFolder(experiment / "last").licence == "free"


def test_a_state_of_another_optimizer_names_the_settings(tiny, eagerly, capsys):
    config = tiny(train={"num_epochs": 1})
    assert train(config) == 0
    assert train(config, "train.ema_decay=0.9", "train.num_epochs=2") == 2
    assert "train.ema_decay" in last_line(capsys)

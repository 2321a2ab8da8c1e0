"""Model folders: whole, portable, checked, and never half-written."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from models.model_folder import ModelFolder
from models.model_paths import ModelPaths, find_model
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.tokenizer import Tokenizer
from tests.helpers.bad_models import MODELS
from tests.helpers.models import description_of, load
from utils.errors import UserError

ORIGIN = {"licence": "for research only", "metrics": {"val_cer": 0.25}}


@pytest.fixture
def network(make_config):
    return make_network(make_config)


def make_network(make_config, seed=5, charset="[]äb", **changes):
    config = make_config(network=changes)
    keras.utils.set_random_seed(seed)
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer(charset)))
    rng = np.random.default_rng(seed)
    for variable in network.keras_model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.5, variable.shape))
    return network


@pytest.fixture
def saved(network, tmp_path):
    folder = tmp_path / "model"
    save_model(folder, network, ORIGIN)
    return folder


def read(network):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (16, width)).astype(np.uint8) for width in (9, 30, 64)]
    return PredictorSeq2Seq(network).predict_batch(images)


def refusal(function, *arguments) -> str:
    with pytest.raises(UserError) as error:
        function(*arguments)
    message = str(error.value)
    assert "\n" not in message and message.endswith(".")
    return message


def test_loaded_model_reads_the_same(network, saved):
    loaded, description = load(saved), description_of(saved)
    assert read(loaded) == read(network)
    assert description["origin"] == ORIGIN and loaded.tokenizer.charset == "[]äb"
    assert description["parameters"] == network.parameter_count
    assert set(description["versions"]) >= {"keras", "numpy"}
    assert (loaded.image, loaded.network) == (network.image, network.network)


def test_saving_again_replaces_the_weights_and_nothing_else(make_config, saved):
    (saved / "notes.txt").write_text("mine", encoding="utf-8")
    (saved / "foreign.weights.h5").write_text("mine", encoding="utf-8")
    first = "model-18ecc3b7fe99e85e"
    left = (f"{first}.weights.h5", f"{first}.encoder.onnx", ".model-1.weights-abcdefgh.part.h5")
    own = ("model-backup.weights.h5", "model-epoch12.weights.h5", "model-mine.onnx")
    for name in (*left, *own):
        (saved / name).write_text("left by a crash, or mine", encoding="utf-8")
        os.utime(saved / name, (0, 0))
    (saved / "model-18ecc41663210a0f.encoder.onnx").write_text("of an export that runs", encoding="utf-8")
    other = make_network(make_config, seed=6)
    save_model(saved, other, ORIGIN)
    assert read(load(saved)) == read(other)
    names = {path.name for path in saved.iterdir()}
    assert names == {
        "model.json",
        "notes.txt",
        "foreign.weights.h5",
        "model-18ecc41663210a0f.encoder.onnx",
        *own,
        description_of(saved)["weights"],
    }


def test_a_model_replaced_since_it_was_looked_at_is_no_damaged_one(make_config, saved):
    folder = ModelFolder(saved)
    save_model(saved, make_network(make_config, seed=6), ORIGIN)
    assert "again" in refusal(folder.weights) and "copy" not in refusal(folder.weights)
    (saved / description_of(saved)["weights"]).unlink()
    assert "copy" in refusal(ModelFolder(saved).weights)


def test_crash_before_the_description_keeps_the_old_model(make_config, network, saved, monkeypatch):
    def crash(*arguments):
        raise RuntimeError("power cut")

    monkeypatch.setattr("models.model_folder.write_json", crash)
    with pytest.raises(RuntimeError):
        save_model(saved, make_network(make_config, seed=6), ORIGIN)
    assert len(list(saved.glob("*.weights.h5"))) == 2
    assert read(load(saved)) == read(network)


def test_released_model_is_never_overwritten(make_config, network, saved):
    (saved / "CARD.md").write_text("released", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    assert "released" in refusal(save_model, saved, make_network(make_config, seed=6), ORIGIN)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    assert read(load(saved)) == read(network)


def test_model_paths(make_config, tmp_path):
    best = {"out_file": str(tmp_path / "x")}
    callbacks = make_config(callbacks={"model_best_checkpoint": best}).callbacks
    paths = ModelPaths.of("experiment", callbacks)
    assert paths == ModelPaths(tmp_path / "x", Path("experiment/last"), tmp_path / "x")
    without = make_config(callbacks={"model_best_checkpoint": {**best, "enabled": False}}).callbacks
    assert ModelPaths.of("experiment", without).trained == Path("experiment/last")


def test_a_training_that_has_written_no_model_yet_leaves_the_other_in_use(make_config, tmp_path):
    """Also where its first save was killed."""
    config = make_config(experiment_folder=str(tmp_path), predict={"weights_file": "snapshots/iam"})
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / ".model-18ecc3b7fe99e85e.weights-abcdefgh.part.h5").write_text("half", encoding="utf-8")
    assert find_model(config).parts[-2:] == ("snapshots", "iam")
    (tmp_path / "best" / "model.json").write_text("{}", encoding="utf-8")
    assert find_model(config) == tmp_path / "best"


@pytest.mark.parametrize("name", MODELS, ids=ascii)
def test_damaged_folders_are_refused(saved, tmp_path, monkeypatch, name):
    """One sentence names the folder; nothing in it is run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside.weights.h5").write_bytes((saved / description_of(saved)["weights"]).read_bytes())
    change, word = MODELS[name]
    change(saved)
    message = refusal(load, saved)
    assert word in message and (str(saved) in message or word == "charset")
    assert not (tmp_path / "proof").exists()

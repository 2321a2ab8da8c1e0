"""Model folders: whole, portable, checked, and never half-written."""

import io
import json
import os
import pickle
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from models.model_folder import file_digest
from models.model_paths import ModelPaths
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.tokenizer import Tokenizer
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


def edit(folder, **changes):
    path = folder / "model.json"
    description = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    kept = {key: value for key, value in description.items() if value is not ...}
    path.write_text(json.dumps(kept), encoding="utf-8")


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


def test_folder_can_be_moved(network, saved, tmp_path):
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(saved, moved)
    shutil.rmtree(saved)
    assert read(load(moved)) == read(network)


def test_saving_again_replaces_the_weights_and_nothing_else(make_config, saved):
    (saved / "notes.txt").write_text("mine", encoding="utf-8")
    (saved / "foreign.weights.h5").write_text("mine", encoding="utf-8")
    left = ("model-1.weights.h5", "model-1.encoder.onnx", ".model-1.weights-abcdefgh.part.h5")
    for name in left:
        (saved / name).write_text("left by a crash", encoding="utf-8")
        os.utime(saved / name, (0, 0))
    (saved / "model-2.encoder.onnx").write_text("of an export that runs", encoding="utf-8")
    other = make_network(make_config, seed=6)
    save_model(saved, other, ORIGIN)
    assert read(load(saved)) == read(other)
    names = {path.name for path in saved.iterdir()}
    assert names == {
        "model.json",
        "notes.txt",
        "foreign.weights.h5",
        "model-2.encoder.onnx",
        description_of(saved)["weights"],
    }


def test_crash_before_the_description_keeps_the_old_model(make_config, network, saved, monkeypatch):
    def crash(*arguments):
        raise RuntimeError("power cut")

    monkeypatch.setattr("models.model_folder.write_json", crash)
    with pytest.raises(RuntimeError):
        save_model(saved, make_network(make_config, seed=6), ORIGIN)
    assert len(list(saved.glob("*.weights.h5"))) == 2
    assert read(load(saved)) == read(network)


def test_missing_parts(saved, tmp_path):
    assert "no model folder" in refusal(load, tmp_path / "nothing")
    (saved / description_of(saved)["weights"]).unlink()
    assert "lacks" in refusal(load, saved)
    (saved / "model.json").unlink()
    assert "model.json is missing" in refusal(load, saved)


def test_damaged_weights(saved):
    path = saved / description_of(saved)["weights"]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "checksum" in refusal(load, saved)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "checksum" in refusal(load, saved)


@pytest.mark.parametrize("text", ["", "{", "[]", '"model"', "null", '{"format": 99}', "[" * 100_000])
def test_malformed_description(saved, text):
    (saved / "model.json").write_text(text, encoding="utf-8")
    assert "model.json" in refusal(load, saved)


def test_description_that_is_no_text(saved):
    (saved / "model.json").write_bytes(b"\xff\xfe\x00")
    assert "model.json" in refusal(load, saved)


@pytest.mark.parametrize("key", ["format", "weights", "weights_sha256", "charset", "image", "network"])
def test_missing_key(saved, key):
    edit(saved, **{key: ...})
    refusal(load, saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"network": {"latent_dim": -1}},
        {"network": []},
        {"network": {"num_filters": [4], "conv_kernels": [[3, 3]], "pooling": [[99, 1]]}},
        {"image": {"unknown": 1}},
        {"charset": ""},
        {"charset": ["a"]},
        {"charset": "aa"},
        {"weights": 3},
        {"weights": ""},
    ],
)
def test_impossible_description(saved, changes):
    edit(saved, **changes)
    refusal(load, saved)


@pytest.mark.parametrize("form", ["{}", "sub/../../{}", "/{}", "..", "."])
def test_weights_outside_the_folder_are_never_read(saved, tmp_path, form):
    outside = tmp_path / "outside.weights.h5"
    shutil.copy(saved / description_of(saved)["weights"], outside)
    (saved / "sub").mkdir()
    name = form.format("../outside.weights.h5" if form == "{}" else "outside.weights.h5")
    edit(saved, weights=str(outside) if form == "/{}" else name)
    refusal(load, saved)


def test_weights_of_another_network(make_config, saved, tmp_path):
    save_model(tmp_path / "other", make_network(make_config, latent_dim=20), ORIGIN)
    wrong = description_of(tmp_path / "other")
    shutil.copy(tmp_path / "other" / wrong["weights"], saved)
    edit(saved, weights=wrong["weights"], weights_sha256=wrong["weights_sha256"])
    assert "don't fit" in refusal(load, saved)


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


def test_pickled_files_are_never_opened(saved, tmp_path):
    """Unpickling would run what the file says; here it would create `proof`."""

    class Exploit:
        def __reduce__(self):
            return (open, (str(tmp_path / "proof"), "w"))

    from callbacks.training_state import read_progress

    state = tmp_path / "training.npz"
    np.savez(state, progress=np.array([Exploit()], dtype=object))
    assert "damaged" in refusal(read_progress, state)
    state.write_bytes(pickle.dumps(Exploit()))
    assert "damaged" in refusal(read_progress, state)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    state.write_bytes(buffer.getvalue())
    assert "damaged" in refusal(read_progress, state)
    weights = saved / description_of(saved)["weights"]
    weights.write_bytes(pickle.dumps(Exploit()))
    edit(saved, weights_sha256=file_digest(weights))
    assert "don't fit" in refusal(load, saved)
    assert not (tmp_path / "proof").exists()

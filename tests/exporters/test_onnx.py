"""ONNX files read like Keras, whatever the network, and prediction with them needs no Keras."""

import json
import os
import sys

import cv2
import numpy as np
import pytest

import main
import predictors.onnx.runtime
from base.base_predictor import Prediction
from exporters.decoder import decoder_graph
from exporters.graph import fits_half
from exporters.run import export, largest_difference
from models.model_folder import ModelFolder
from models.saving import save_model
from predictors.onnx.runtime import WIDTH_AT_ONCE, PredictorOnnx
from predictors.predictor_seq2seq import PredictorSeq2Seq
from tests.helpers.models import (
    ALONE,
    NETWORKS,
    assert_alike,
    description_of,
    exported,
    load,
    pictures,
    predictor_of,
    random_network,
)
from tests.helpers.tiny import merged, tiny_settings, write_settings
from tools import release_model
from utils.errors import UserError


@pytest.mark.parametrize("name", NETWORKS)
def test_same_text_as_keras(make_config, tmp_path, eagerly, name):
    # Seeds whose texts differ in characters and in length; checked below.
    model = random_network(make_config, 3 if name == "flatten with attention" else 2, *NETWORKS[name])
    # More than are decoded at once; words end at different steps, so some are dropped on the way.
    images = pictures(model, WIDTH_AT_ONCE // 64 + 8)
    expected = PredictorSeq2Seq(model, ALONE).predict_batch(images)
    predictor = exported(model, tmp_path)
    assert_alike(predictor.predict_batch(images), expected)
    for image, prediction in list(zip(images, expected, strict=True))[::7]:
        assert_alike(predictor.predict_batch([image]), [prediction])
    texts = {word.text for word in expected}
    assert len(texts) > 5 and len(set(map(len, texts))) > 4


@pytest.fixture
def saved(make_config, tmp_path):
    """The model folder of `make_config`'s experiment, with a random network."""
    folder = tmp_path / "experiment" / "best"
    save_model(folder, random_network(make_config), {"licence": "none"})
    return folder


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_export_adds_to_the_model(make_config, saved, eagerly):
    """Also to a released one, whose weights stay as they are; a second export replaces the first."""
    (saved / "CARD.md").write_text("released", encoding="utf-8")
    left = saved / ".model-1.encoder-abcdefgh.part.onnx"
    left.write_text("left by a crash", encoding="utf-8")
    os.utime(left, (0, 0))
    before = content(saved)
    for _ in range(2):
        export(make_config())
    description = description_of(saved)
    onnx = description.pop("onnx")
    assert {**description, "onnx": None} == json.loads(before.pop("model.json"))
    after = content(saved)
    del before[left.name]
    assert set(after) == {*before, "model.json", onnx["encoder"], onnx["decoder"]}
    assert {name: after[name] for name in before} == before
    images = pictures(load(saved), 5)
    keras_reads = predictor_of(saved, runtime="keras").predict_batch(images)
    predictor = predictor_of(saved, runtime="auto")
    assert isinstance(predictor, PredictorOnnx)
    assert_alike(predictor.predict_batch(images), keras_reads)


def test_training_drops_outdated_onnx_files(make_config, saved, eagerly):
    export(make_config())
    save_model(saved, random_network(make_config, seed=3), {})
    assert sorted(path.suffix for path in saved.iterdir()) == [".h5", ".json"]
    assert isinstance(predictor_of(saved, runtime="auto"), PredictorSeq2Seq)
    with pytest.raises(UserError, match="--export"):
        predictor_of(saved, runtime="onnx")


def test_without_onnx_runtime(make_config, saved, eagerly, monkeypatch):
    export(make_config())
    monkeypatch.setattr(predictors.onnx.runtime, "onnxruntime", None)
    with pytest.raises(UserError, match="onnxruntime"):
        predictor_of(saved, runtime="onnx")
    assert isinstance(predictor_of(saved, runtime="auto"), PredictorSeq2Seq)


def test_failed_exports_leave_the_model_unchanged(make_config, saved, eagerly, monkeypatch):
    before = content(saved)

    def fails(error, match):
        with pytest.raises(error, match=match):
            export(make_config())
        assert content(saved) == before

    def other_network(model):
        return decoder_graph(random_network(make_config, seed=3))

    with monkeypatch.context() as patch:
        patch.setattr("exporters.decoder.decoder_graph", other_network)
        fails(RuntimeError, "unchanged")
    with monkeypatch.context() as patch:
        patch.setattr(ModelFolder, "add_onnx", lambda *arguments: 1 / 0)
        fails(ZeroDivisionError, "division")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnx", None)
        for name in ("graph", "encoder", "decoder"):
            patch.delitem(sys.modules, f"exporters.{name}")
        fails(UserError, "onnx")


def test_files_that_the_model_names_stay_whatever_fails_then(make_config, saved, eagerly, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("models.model_folder.remove_unnamed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(make_config())
    assert len(ModelFolder(saved).onnx()) == 2


def test_differences_of_any_confidence_are_found():
    with pytest.raises(RuntimeError):
        largest_difference([Prediction("a", 0.5, (0.9,))], [Prediction("a", 0.5, (0.1,))])


def test_command_line(dataset, saved, tmp_path, eagerly, capsys):
    config = write_settings(tmp_path / "tiny.yml", tiny_settings(dataset, tmp_path))
    assert main.main(["-c", config, "--export"]) == 0
    cv2.imwrite(str(tmp_path / "word.png"), pictures(load(saved), 1)[0])
    image = str(tmp_path / "word.png")
    outputs = []
    for name in ("onnx", "keras"):
        for job in (["--predict", "--filename", image], ["--predict_on_test"]):
            assert main.main(["-c", config, *job, "--set", f"predict.runtime={name}"]) == 0
            outputs.append(capsys.readouterr().out)
    assert outputs[:2] == outputs[2:]
    assert outputs[0].startswith("Predicted label: ") and "CER: " in outputs[1]
    nothing = merged(tiny_settings(dataset, tmp_path), {"experiment_folder": str(tmp_path / "none")})
    config = write_settings(tmp_path / "none.yml", nothing)
    assert main.main(["-c", config, "--export"]) == 2
    assert "no trained model" in capsys.readouterr().err


def test_a_released_model_reads_alike_from_half_the_bytes(make_config, saved, tmp_path):
    network = {"latent_dim": 64, "num_filters": [16], "attention": "luong"}
    save_model(saved, random_network(lambda **changes: make_config(network=network)), {"licence": "none"})
    released = tmp_path / "released"
    assert release_model.main([str(saved), str(released)]) == 0
    assert release_model.main([str(saved), str(released)]) == 2 == release_model.main([str(saved), str(saved)])
    trained, rounded = (load(folder).keras_model.trainable_variables for folder in (saved, released))
    for before, after in zip(map(np.asarray, trained), map(np.asarray, rounded)):
        assert fits_half(after)
        np.testing.assert_allclose(after, before, rtol=2**-11, atol=2**-25)
    sizes = []
    for folder in (saved, released):
        changes = {"weights_file": str(folder), "runtime": "onnx"}
        config = make_config(experiment_folder=str(tmp_path / "none"), network=network, predict=changes)
        export(config)  # compares the readings with Keras'
        sizes.append(sum(path.stat().st_size for path in folder.glob("*.onnx")))
    assert 0.5 < sizes[1] / sizes[0] < 0.75  # batch norm is folded into the convolutions, which stay whole


def test_weights_are_averaged_with_those_of_before(make_config, saved, tmp_path):
    before, averaged, wider = tmp_path / "before", tmp_path / "averaged", tmp_path / "wider"
    save_model(before, random_network(make_config, seed=3), {"licence": "of before"})
    assert release_model.main([str(saved), str(averaged), "--average", str(before), "--share", "0.25"]) == 0
    folders = (saved, before, averaged)
    for new, old, mean in zip(*(load(folder).keras_model.get_weights() for folder in folders), strict=True):
        np.testing.assert_allclose(mean, 0.75 * new + 0.25 * old, rtol=2**-11, atol=2**-25)
    save_model(wider, random_network(lambda **changes: make_config(network={"latent_dim": 64})), {})
    assert release_model.main([str(saved), str(tmp_path / "none"), "--average", str(wider)]) == 2
    assert description_of(averaged)["origin"]["licence"] == "none of before"

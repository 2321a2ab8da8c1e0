"""ONNX files of strangers: none runs that no export has written, and the reader is told in one sentence."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import onnx
import pytest

import main
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from preprocessing.tokenizer import Tokenizer
from tests.helpers import bad_inputs
from tests.helpers.bad_graphs import WHEN_LOADED, WHEN_READING
from tests.helpers.bad_models import describe, replaced_by_link
from tests.helpers.models import description_of
from tests.helpers.refusals import assert_refused, outcome
from tests.helpers.tiny import tiny_settings, write_settings
from utils.config.load import validate_config

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Folder with a config, an image, and a model that has ONNX files."""
    folder = tmp_path_factory.mktemp("graphs")
    (folder / "good.png").write_bytes(bad_inputs.encoded(bad_inputs.word(), "PNG"))
    settings = tiny_settings(folder, folder, network={"attention": "luong"})
    config = validate_config(settings, "tiny")
    save_model(
        folder / "experiment" / "best", ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("abc"))), {}
    )
    assert main.main(["-c", write_settings(folder / "tiny.yml", settings), "--export"]) == 0
    return folder


def part(model: Path, name: str = "decoder") -> Path:
    return model / description_of(model)["onnx"][name]


def replace(model: Path, content: bytes) -> None:
    """Puts another decoder into the model folder, with its checksum, as an attacker would."""
    part(model).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    describe(model, onnx={**description_of(model)["onnx"], "decoder_sha256": digest})


def arguments(place: Path, model: Path, runtime: str = "onnx") -> list[str]:
    changes = ["experiment_folder=none", f"predict.weights_file={model}", f"predict.runtime={runtime}"]
    return ["-c", str(place / "tiny.yml"), "--predict", "--filename", str(place / "good.png"), "--set", *changes]


@pytest.fixture
def model(place, tmp_path) -> Path:
    shutil.copytree(place / "experiment" / "best", tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("change", [*WHEN_LOADED, *WHEN_READING], ids=lambda change: change.__name__)
def test_bad_graphs(place, model, tmp_path, capfd, change):
    (tmp_path / "secret").write_bytes(bytes(8))
    graph = onnx.load(part(model))
    content = change(graph)
    replace(model, graph.SerializeToString() if content is None else content)
    words = (WHEN_LOADED | WHEN_READING)[change]
    assert_refused(capfd, tmp_path, arguments(place, model), words)


def test_what_an_export_writes_is_read(place, model, capfd):
    graph = onnx.load(part(model))
    replace(model, graph.SerializeToString())
    code, out, _ = outcome(capfd, arguments(place, model))
    assert code == 0 and out.startswith("Predicted label: ")
    shutil.move(part(model), model / "inside.onnx")
    part(model).symlink_to("inside.onnx")
    assert outcome(capfd, arguments(place, model))[:2] == (0, out)


def test_no_other_format_hides_in_the_file(place, model, capfd):
    """ONNX Runtime knows its own format by four bytes, which may also be a part of a producer's name."""
    expected = outcome(capfd, arguments(place, model))[:2]
    replace(model, b"\x12\x06xxORTM" + part(model).read_bytes())
    assert outcome(capfd, arguments(place, model))[:2] == expected


def test_a_bad_graph_beside_good_weights(place, model, capfd):
    """With runtime auto the weights read, as without the file."""
    replace(model, b"no graph")
    code, out, error = outcome(capfd, arguments(place, model, "auto"))
    assert code == 0 and out.startswith("Predicted label: ") and "Keras" in error


PLACES = {
    "checksum": (lambda model: part(model).write_bytes(b"other"), "checksum differs"),
    "missing": (lambda model: part(model).unlink(), "lacks"),
    "link out": (lambda model: replaced_by_link(model, part(model).name), "leads out of the model folder"),
    "folder": (lambda model: (part(model).unlink(), part(model).mkdir()), "not a regular file"),
    "pipe": (lambda model: (part(model).unlink(), os.mkfifo(part(model))), "not a regular file"),
    "device": (
        lambda model: (part(model).unlink(), part(model).symlink_to("/dev/zero")),
        "leads out of the model folder",
    ),
    "elsewhere": (lambda model: describe(model, onnx={"encoder": "../x", "decoder": "/x"}), "model.json"),
    "zero byte": (lambda model: describe(model, onnx={"encoder": "a\0", "decoder": "b"}), "model.json"),
    "no object": (lambda model: describe(model, onnx=[1]), "model.json"),
    "numbers": (lambda model: describe(model, onnx={"encoder": 1, "decoder": None}), "model.json"),
}


@pytest.mark.parametrize("name", PLACES)
def test_bad_places_of_graphs(place, model, tmp_path, capfd, name):
    change, words = PLACES[name]
    change(model)
    assert_refused(capfd, tmp_path, arguments(place, model), words)


def test_a_model_can_not_allow_decompression_bombs(place, model, tmp_path, capfd):
    whole = json.loads((model / "model.json").read_text(encoding="utf-8"))
    describe(model, image={**whole["image"], "max_pixels": 10**18})
    (tmp_path / "bomb.png").write_bytes(bad_inputs.png_of(30_000, 30_000))
    reads = [str(tmp_path / "bomb.png") if name.endswith(".png") else name for name in arguments(place, model)]
    assert_refused(capfd, tmp_path, reads, "more pixels than image.max_pixels allows")
    # Whoever reads may: then it is the file's turn to be told off.
    assert_refused(capfd, tmp_path, [*reads, "image.max_pixels=1000000000"], "truncated or damaged")

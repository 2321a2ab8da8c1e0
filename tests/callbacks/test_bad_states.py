"""Training states of others: refused in one sentence, nothing changed, nothing run."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from callbacks.training_state import previous_path, read_progress
from tests.helpers.tiny import tiny_settings, write_settings
from tests.trainers.test_trainer import train

pytestmark = pytest.mark.usefixtures("eagerly")


def sentence(capsys) -> str:
    error = capsys.readouterr().err
    assert "Traceback" not in error and not set(error) & set("\x1b\x9b")
    line = error.splitlines()[-1]
    assert line.endswith(".") and line.isprintable()
    return line


def saved(path: Path, changes: object, arrays: dict) -> None:
    """Writes a state with the value of `changes` for its progress, or `changes` applied to it."""
    progress = json.loads(arrays["progress"].tobytes())
    if isinstance(changes, dict):
        changes = {**progress, **changes}
    np.savez(path, **{**arrays, "progress": np.frombuffer(json.dumps(changes).encode(), np.uint8)})


PROGRESS = {
    "null": None,
    "list": [1],
    "counters of a list": {"counters": []},
    "counters of a number": {"counters": {"Snapshot": 3}},
    "counter of text": {"counters": {"Snapshot val_cer": {"best": "0"}}},
    "endless counter": {"counters": {"Snapshot val_cer": {"best": 10**400}}},
    "history of numbers": {"history": [1]},
    "history of text": {"history": [{"epoch": 1, "loss": "\x1b[31m"}]},
    "history without epochs": {"history": [{"loss": 1.0}]},
    "epoch of text": {"epoch": "1"},
    "epoch below 0": {"epoch": -1},
    "endless epoch": {"epoch": 10**400},
    "no such step": {"step": 10**6},
    "step below 0": {"step": -1},
    "no identity": {"identity": None},
    "empty identity": {"identity": {}},
    "future format": {"format": 99},
}


@pytest.fixture(scope="module")
def begun(dataset, tmp_path_factory):
    """Folder of a training of one epoch, and the arrays of its state."""
    folder = tmp_path_factory.mktemp("begun")
    assert (
        train(write_settings(folder / "tiny.yml", tiny_settings(dataset, folder, train={"num_epochs": 1})))
        == 0
    )
    with np.load(folder / "experiment" / "state" / "training.npz") as arrays:
        return folder, {name: arrays[name] for name in arrays.files}


@pytest.fixture
def state(begun, tmp_path, experiment) -> Path:
    shutil.copytree(begun[0] / "experiment", experiment)
    return experiment / "state" / "training.npz"


def assert_state_refused(config: str, experiment: Path, capsys, words: str) -> None:
    before = content(experiment)
    assert train(config, "train.num_epochs=2") == 2
    line = sentence(capsys)
    assert words in line and str(experiment) in line
    assert content(experiment) == before


def content(folder: Path) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("name", PROGRESS)
def test_progress_that_others_have_written(tiny, experiment, state, begun, capsys, name):
    saved(state, PROGRESS[name], begun[1])
    assert_state_refused(tiny(), experiment, capsys, "--restart")


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf"), "0.1", None])
def test_learning_rates_that_others_have_written(tiny, experiment, state, begun, capsys, rate):
    identity = json.loads(begun[1]["progress"].tobytes())["identity"]
    saved(state, {"identity": {**identity, "learning_rate": rate}}, begun[1])
    assert_state_refused(tiny(), experiment, capsys, "is incomplete")


def test_a_state_older_than_a_config_key_goes_on(tiny, state, begun):
    identity = json.loads(begun[1]["progress"].tobytes())["identity"]
    image = {name: value for name, value in identity["image"].items() if name not in ("margin", "blur")}
    assert len(image) == len(identity["image"]) - 2
    saved(state, {"identity": {**identity, "image": image}}, begun[1])
    assert train(tiny(), "train.num_epochs=2") == 0


def objects(path, arrays):
    """A pickle, which numpy would run."""
    np.savez(path, **{**arrays, "progress": np.array([Exploit()], object)})


class Exploit:
    def __reduce__(self):
        return (os.mkdir, ("proof",))


def compressed(path, arrays):
    np.savez_compressed(path, **arrays)


def words_for_numbers(path, arrays):
    np.savez(path, **{**arrays, "model/0": np.full(arrays["model/0"].shape, "word")})


def wider_numbers(path, arrays):
    np.savez(path, **{**arrays, "model/0": arrays["model/0"].astype(np.float64)})


def another_shape(path, arrays):
    np.savez(path, **{**arrays, "model/0": arrays["model/0"].ravel()})


def one_array_less(path, arrays):
    np.savez(path, **{name: array for name, array in arrays.items() if name != "model/0"})


def another_name(path, arrays):
    np.savez(path, **{"model/x" if name == "model/0" else name: array for name, array in arrays.items()})


def shared_bytes(path, arrays):
    """A directory that names one array a thousand times: a kilobyte of file for a megabyte of memory."""
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as file:
        entry = file.infolist()[0]
        file.filelist.extend([entry] * 1000)
        file._didModify = True


def claims(path, arrays):
    """A header that says the array is larger than memory."""
    np.savez(path, **arrays)
    whole, shape = path.read_bytes(), str(arrays["model/0"].shape).encode()
    assert whole.count(b"'shape': " + shape) > 0
    path.write_bytes(
        whole.replace(b"'shape': " + shape, b"'shape': " + b"(" + b"9" * (len(shape) - 3) + b",)")
    )


def no_archive(path, arrays):
    np.save(path.with_suffix(".npy"), arrays["model/0"])
    os.replace(path.with_suffix(".npy"), path)


def text(path, arrays):
    path.write_text("words")


def nothing(path, arrays):
    path.write_bytes(b"")


def pipe(path, arrays):
    path.unlink()
    os.mkfifo(path)


def device(path, arrays):
    path.unlink()
    path.symlink_to("/dev/zero")


def folder(path, arrays):
    path.unlink()
    path.mkdir()


FILES = {
    objects: "is damaged",
    compressed: "is damaged",
    words_for_numbers: "is of type",
    wider_numbers: "is of type",
    another_shape: "has shape",
    one_array_less: "in a row",
    another_name: "in a row",
    shared_bytes: "is damaged",
    claims: "is damaged",
    no_archive: "is damaged",
    text: "is damaged",
    nothing: "is damaged",
    pipe: "is damaged",
    device: "is damaged",
    folder: "is damaged",
}


@pytest.mark.parametrize("change", FILES, ids=lambda change: change.__name__)
def test_states_that_others_have_written(
    tiny, experiment, state, begun, capsys, monkeypatch, tmp_path, change
):
    monkeypatch.chdir(tmp_path)
    change(state, begun[1])
    assert_state_refused(tiny(), experiment, capsys, FILES[change])
    assert not (tmp_path / "proof").exists()


def test_names_that_are_no_counters_are_not_set(tiny, state, begun, capsys):
    progress = json.loads(begun[1]["progress"].tobytes())
    progress["counters"]["Snapshot val_cer"]["save"] = 1.0
    saved(state, progress, begun[1])
    assert train(tiny(), "train.num_epochs=2") == 0
    assert read_progress(previous_path(state))

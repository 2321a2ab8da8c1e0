"""Training states of others: refused in one sentence, nothing changed, nothing run."""

import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.tiny import tiny_settings, write_settings
from tests.helpers.training import last_line, train

pytestmark = pytest.mark.usefixtures("eagerly")


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
    "counter of text": {"counters": {"Snapshot val_cer": {"best": "low"}}},
    "endless counter": {"counters": {"Snapshot val_cer": {"best": 10**400}}},
    "history of numbers": {"history": [1]},
    "history of text": {"history": [{"epoch": 1, "loss": "\x1b[31m"}]},
    "history without epochs": {"history": [{"loss": 1.0}]},
    "epoch of text": {"epoch": "one"},
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
    settings = tiny_settings(dataset, folder, train={"num_epochs": 1})
    assert train(write_settings(folder / "tiny.yml", settings)) == 0
    with np.load(folder / "experiment" / "state" / "training.npz") as arrays:
        return folder, {name: arrays[name] for name in arrays.files}


@pytest.fixture
def state(begun, tmp_path, experiment) -> Path:
    shutil.copytree(begun[0] / "experiment", experiment)
    return experiment / "state" / "training.npz"


def assert_state_refused(config: str, experiment: Path, capsys, words: str) -> None:
    before = content(experiment)
    assert train(config, "train.num_epochs=2") == 2
    line = last_line(capsys)
    assert words in line and str(experiment) in line
    assert content(experiment) == before


def content(folder: Path) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("name", PROGRESS)
def test_progress_that_others_have_written(tiny, experiment, state, begun, capsys, name):
    saved(state, PROGRESS[name], begun[1])
    assert_state_refused(tiny(), experiment, capsys, "--restart")


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf"), "fast", None])
def test_learning_rates_that_others_have_written(tiny, experiment, state, begun, capsys, rate):
    identity = json.loads(begun[1]["progress"].tobytes())["identity"]
    saved(state, {"identity": {**identity, "learning_rate": rate}}, begun[1])
    assert_state_refused(tiny(), experiment, capsys, "--restart")


def test_a_state_older_than_a_config_key_goes_on(tiny, state, begun):
    identity = json.loads(begun[1]["progress"].tobytes())["identity"]
    image = {name: value for name, value in identity["image"].items() if name not in ("margin", "blur")}
    assert len(image) == len(identity["image"]) - 2
    saved(state, {"identity": {**identity, "image": image}}, begun[1])
    assert train(tiny(), "train.num_epochs=2") == 0


class Exploit:
    """Unpickling it would create the folder `proof`."""

    def __reduce__(self):
        return (os.mkdir, ("proof",))


def replaced(change):
    """The change of a state file that `change(first array)` gives."""
    return lambda path, arrays: np.savez(path, **{**arrays, "model/0": change(arrays["model/0"])})


def unlinked(make):
    """`make(path)` puts something else where the file was."""
    return lambda path, arrays: (path.unlink(), make(path))


def shared_bytes(path, arrays):
    """A directory that names one array a thousand times: a kilobyte of file for a megabyte of memory."""
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as file:
        file.filelist.extend([file.infolist()[0]] * 1000)
        file._didModify = True


def claims(path, arrays):
    """A header of an array that is larger than memory."""
    np.savez(path, **arrays)
    shape = str(arrays["model/0"].shape).encode()
    larger = b"(" + b"9" * (len(shape) - 3) + b",)"
    assert b"'shape': " + shape in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"'shape': " + shape, b"'shape': " + larger))


def without_one(path, arrays):
    np.savez(path, **{name: array for name, array in arrays.items() if name != "model/0"})


DAMAGED = {
    "pickle of an array": lambda path, arrays: np.savez(path, **{**arrays, "progress": np.array([Exploit()], object)}),
    "pickle": lambda path, arrays: path.write_bytes(pickle.dumps(Exploit())),
    "compressed": lambda path, arrays: np.savez_compressed(path, **arrays),
    "shared bytes": shared_bytes,
    "claims": claims,
    "single array": lambda path, arrays: np.save(path.open("wb"), arrays["model/0"]),
    "text": lambda path, arrays: path.write_text("words"),
    "empty": lambda path, arrays: path.write_bytes(b""),
    "pipe": unlinked(os.mkfifo),
    "device": unlinked(lambda path: path.symlink_to("/dev/zero")),
    "folder": unlinked(Path.mkdir),
}
MISFITS = {
    "words": replaced(lambda array: np.full(array.shape, "word")),
    "wider numbers": replaced(lambda array: array.astype(np.float64)),
    "shape": replaced(np.ravel),
    "one array less": without_one,
}


@pytest.mark.parametrize("name", DAMAGED | MISFITS)
def test_files_that_others_have_written(tiny, experiment, state, begun, capsys, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    (DAMAGED | MISFITS)[name](state, begun[1])
    assert_state_refused(tiny(), experiment, capsys, "damaged" if name in DAMAGED else "another network")
    assert not (tmp_path / "proof").exists()


def test_names_that_are_no_counters_are_not_set(tiny, state, begun):
    progress = json.loads(begun[1]["progress"].tobytes())
    progress["counters"]["Snapshot val_cer"]["on_epoch_end"] = 1.0  # a number in place of a method
    saved(state, progress, begun[1])
    assert train(tiny(), "train.num_epochs=2") == 0

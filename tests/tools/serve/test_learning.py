"""Learning from corrections: exactly the training of the command line, and a new model only if it reads better."""

import json
import threading
import time

import pytest

from models.saving import save_model
from tests.helpers.models import random_network
from tests.tools.serve.test_store import page_of
from tools.serve.learning import CHOICE, LEAST_LINES, Learning, chosen_model
from tools.serve.reading import Reading
from utils.config.load import load_config
from utils.errors import UserError

LINES = LEAST_LINES + 5


@pytest.fixture
def tiny_learning(make_config, tiny, store, tmp_path):
    """Learning from the lines of a page, all corrected to one text, with a tiny network."""
    save_model(tmp_path / "model", random_network(make_config, network={"max_seq_length": 5}), {})
    start = {"use_pretrained_weights": True, "restore_from": "none"}
    file = tiny(train={"weights_initialization": start, "num_epochs": 12}, predict={"turn_below": 0})
    config = load_config(file, [])
    page_id = store.add(*page_of(LINES))
    for number in range(LINES):
        store.save(page_id, number, "ab", None)
    reading = Reading(config, tmp_path / "model")
    return Learning(reading, store, config, file, [], tmp_path / "experiments"), reading


def wait(learning):
    while (state := learning.state())["state"] in ("training", "stopping"):
        time.sleep(0.1)
    return state


def test_a_better_model_is_taken_into_use_and_chosen_next_time(tiny_learning, store, tmp_path):
    learning, reading = tiny_learning
    before = learning.state()
    assert before["state"] == "idle" and before["lines"]["train"] + before["lines"]["val"] == LINES
    learning.start()
    with pytest.raises(UserError):
        learning.start()
    state = wait(learning)
    log = (store.folder / "training.log").read_text(encoding="utf-8")
    assert state["state"] == "done", (state, log)
    assert len(state["epochs"]) == 12 and state["after"] < state["before"]
    assert reading.folder.parent.parent == tmp_path / "experiments"
    assert chosen_model(store.folder) == reading.folder and state["model"] == str(reading.folder)


def test_a_stopped_training_leaves_the_model_in_use(tiny_learning, store, tmp_path):
    learning, reading = tiny_learning
    learning.start()
    time.sleep(0.5)
    learning.stop()
    assert wait(learning)["state"] == "stopped" and reading.folder == tmp_path / "model"
    assert chosen_model(store.folder) is None


def test_a_stopped_training_ends_before_the_next_begins(tiny_learning, monkeypatch):
    learning, _ = tiny_learning
    started, ended = threading.Event(), threading.Event()

    def finish(_):
        started.set()
        ended.wait(20)
        raise UserError("stopped")

    monkeypatch.setattr(learning, "_start", lambda *_: None)
    monkeypatch.setattr(learning, "_finish", finish)
    learning.start()
    assert started.wait(20)
    learning.stop()
    assert learning.state()["state"] == "stopping"
    with pytest.raises(UserError):
        learning.start()
    ended.set()
    assert wait(learning)["state"] == "stopped"
    learning.start()
    assert wait(learning)["state"] == "failed"


def test_too_few_lines_and_failures_are_reported(client, learning, monkeypatch, store):
    assert client.post("/training").status_code == 409
    page_id = store.add(*page_of(LINES))
    for number in range(LINES):
        store.save(page_id, number, "ab", None)
    # The network of configs/adapt.yml is not that of iam_fast, the model in use.
    assert client.post("/training").status_code == 202
    state = wait(learning)
    assert state["state"] == "failed" and "network" in state["message"]
    assert client.get("/training").json()["state"] == "failed"


@pytest.mark.parametrize("content", ["{", "[]", '{"model": "gone"}', "{}"])
def test_a_lost_choice_is_no_obstacle(store, content):
    (store.folder / CHOICE).write_text(content, encoding="utf-8")
    assert chosen_model(store.folder) is None
    (store.folder / CHOICE).write_text(json.dumps({"model": str(store.folder)}), encoding="utf-8")
    assert chosen_model(store.folder) == store.folder

"""Learning from corrections: a training of the model in use, and a new model only if it reads better."""

import json
import shutil
import subprocess
import sys
import threading
import time

import pytest

from models.model_folder import ModelFolder
from models.saving import save_model
from tests.helpers.models import random_network
from tests.helpers.tiny import REPOSITORY
from tests.tools.serve.test_store import page_of
from tools.serve.learning import CHOICE, LEAST_LINES, Learning, chosen_model, first_reading
from tools.serve.reading import Reading
from tools.serve.training import NICE
from utils.config.load import load_config
from utils.errors import UserError

LINES = LEAST_LINES + 5
IMAGE = {"image_size": {"y_size": 20}, "binarization": "soft"}
LICENCE = "for research only: \u00e9\u2028\U0001f600"
HOLD = """
import sys
from pathlib import Path
from utils.locks import learning_lock
with learning_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
NICE_SERVER = """
import os, sys
from pathlib import Path
from tools.serve.training import start_jobs
os.setpriority(os.PRIO_PROCESS, 0, max(15, os.getpriority(os.PRIO_PROCESS, 0)))
with open(Path(sys.argv[1]) / "log", "w") as log, start_jobs(Path(sys.argv[1]) / "learning", [], log) as process:
    print(os.getpriority(os.PRIO_PROCESS, 0), os.getpriority(os.PRIO_PROCESS, process.pid))
"""


@pytest.fixture
def tiny_learning(make_config, tiny, store, tmp_path, monkeypatch):
    """Learning from the lines of a page, all corrected to one text, with a tiny network that is not the config's."""
    monkeypatch.setattr("tools.serve.training.NICE", 0)  # Beside other tests it would hardly come to its turn.
    shape = {"max_seq_length": 6, "latent_dim": 14, "attention": "luong"}
    save_model(tmp_path / "model", random_network(make_config, image=IMAGE, network=shape), {"licence": LICENCE})
    description = tmp_path / "model" / "model.json"
    values = json.loads(description.read_text(encoding="utf-8"))
    description.write_text(json.dumps({**values, "text": {"direction": "rtl"}}), encoding="utf-8")
    start = {"use_pretrained_weights": True, "restore_from": "none"}
    file = tiny(train={"weights_initialization": start, "num_epochs": 4, "batch_size": 2})
    config = load_config(file, [])
    correct(store)
    reading = Reading(config, tmp_path / "model")
    learning = Learning(reading, store, config, file, [], tmp_path / "experiments")
    yield learning, reading
    learning.stop()


def correct(store, text="ab"):
    """Corrects all lines of a new page to one text; returns the page's id."""
    page_id = store.add(*page_of(LINES))
    for number in range(LINES):
        store.save(page_id, number, text, None)
    return page_id


def wait(learning):
    deadline = time.monotonic() + 600
    while (state := learning.state())["state"] in ("training", "stopping"):
        assert time.monotonic() < deadline, state
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
    assert len(state["epochs"]) == 4 and state["after"] < state["before"]
    assert reading.folder.parent.parent == tmp_path / "experiments"
    assert chosen_model(store.folder) == reading.folder and state["model"] == str(reading.folder)
    # What the model is, not what the config describes.
    learned, model = ModelFolder(reading.folder), ModelFolder(tmp_path / "model")
    assert learned.licence == LICENCE and learned.description.text.direction == "rtl"
    assert learned.description.image == model.description.image
    shapes = (one.description.network.model_copy(update={"charset": None}) for one in (learned, model))
    assert next(shapes) == next(shapes) and learned.spec.tokenizer.charset == model.spec.tokenizer.charset


def test_a_stopped_training_leaves_the_model_in_use(tiny_learning, learning, store, tmp_path, monkeypatch):
    """`learning` is another server's."""
    running, reading = tiny_learning
    # More than pass before it is stopped, however long the other server takes to look.
    monkeypatch.setattr("tools.serve.learning.epochs_for", lambda *_: 1000)
    assert learning.state()["state"] == "idle"
    running.start()
    while learning.state()["state"] != "elsewhere" or not running.state()["epochs"]:
        assert running.state()["state"] == "training"
        time.sleep(0.1)
    assert running.state()["state"] == "training"
    running.stop()
    learning = running
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


def test_a_training_outlives_its_server_and_keeps_others_away(client, tmp_path, store):
    correct(store)
    line = [sys.executable, "-c", HOLD, str(tmp_path / "experiments")]
    with subprocess.Popen(line, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert client.get("/training").json()["state"] == "elsewhere"
        answer = client.post("/training")
        assert answer.status_code == 409 and str(tmp_path / "experiments") in answer.json()["detail"]
        process.kill()
    assert client.get("/training").json()["state"] == "idle"


def test_too_few_lines_and_failures_are_reported(client, reading, store, tmp_path):
    assert client.post("/training").status_code == 409
    # Longer than iam_fast, the model in use, writes.
    correct(store, "a" * 40)
    settings = ["train.additional_data={}", "data_aug.damaged_copies=0"]
    config = load_config("configs/adapt.yml", settings)
    failing = Learning(reading, store, config, "configs/adapt.yml", settings, tmp_path / "experiments")
    failing.start()
    state = wait(failing)
    assert state["state"] == "failed" and "network.max_seq_length" in state["message"]


def test_epochs_without_validation_count_but_have_no_error_rate(learning, tmp_path):
    learning._experiment = tmp_path
    (tmp_path / "history.csv").write_text("epoch,loss,val_cer\n1,2.0,\n2,1.5,0.25\n3,1.0,\n", encoding="utf-8")
    state = learning.state()
    assert state["finished"] == 3 and state["epochs"] == [0.25]


def test_both_models_read_the_same_lines(learning, store, monkeypatch, tmp_path):
    page_id, compared = correct(store), []

    def read(folder, lines):
        compared.append(list(lines))
        store.save(page_id, LINES - 1, None, "ab")
        return 0.5

    monkeypatch.setattr(learning, "_cer", read)
    learning._compare(tmp_path / "new")
    assert compared[0] == compared[1] and len(compared[0]) == LINES // 5


@pytest.mark.parametrize("content", ["{", "[]", '{"model": "gone"}', "{}", '{"model": "."}', '{"model": "\\u0000"}'])
def test_a_lost_choice_is_no_obstacle(make_config, store, capsys, content):
    shipped = REPOSITORY / "snapshots" / "iam_fast"
    config = make_config(predict={"weights_file": str(shipped)})
    (store.folder / CHOICE).write_text(content, encoding="utf-8")
    assert first_reading(config, store.folder).folder == shipped
    named = chosen_model(store.folder) is not None
    assert (str(store.folder / CHOICE) in capsys.readouterr().err) == named


def test_the_chosen_model_reads_first(make_config, store):
    chosen = REPOSITORY / "snapshots" / "iam_fast"
    (store.folder / CHOICE).write_text(json.dumps({"model": str(chosen)}), encoding="utf-8")
    config = make_config(predict={"weights_file": str(REPOSITORY / "snapshots" / "open")})
    assert first_reading(config, store.folder).folder == chosen


def test_a_killed_training_is_told_as_such(learning):
    """The last line of its log would be about its progress."""
    process = subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    with pytest.raises(UserError, match="signal 9"):
        learning._finish(process)


def test_lines_of_a_deleted_page_do_not_count(learning, store, monkeypatch, tmp_path):
    lost, compared = correct(store), []
    correct(store)
    shutil.rmtree(store.folder / lost)
    assert learning.state()["lines"] == {"train": LINES * 4 // 5, "val": LINES // 5, "test": 0, "blank": 0}
    monkeypatch.setattr(learning, "_cer", lambda _, lines: compared.extend(lines) or 0.5)
    learning._compare(tmp_path / "new")
    assert len(compared) == 2 * (LINES // 5) and all(path.is_file() for path, _ in compared)


def test_a_server_of_low_priority_can_train(tmp_path):
    """Its jobs can't have a higher one."""
    line = [sys.executable, "-c", NICE_SERVER, str(tmp_path)]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    server, jobs = map(int, done.stdout.split())
    assert server > NICE and jobs == server

"""One training per folder; the lock of a killed process is free."""

import subprocess
import sys
import threading
import time

import pytest

from tests.helpers.tiny import REPOSITORY
from utils.errors import UserError
from utils.locks import dataset_lock, experiment_lock, is_learning

HOLD = """
import sys
from pathlib import Path
from utils.locks import experiment_lock
with experiment_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `tmp_path`/experiment."""
    line = [sys.executable, "-c", HOLD, str(tmp_path / "experiment")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, cwd=REPOSITORY, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refusal(folder):
    with pytest.raises(UserError) as caught, experiment_lock(folder):
        pass
    return str(caught.value)


def test_a_living_process_holds_it_and_a_killed_one_does_not(tmp_path, holder):
    folder = tmp_path / "experiment"
    assert str(folder) in refusal(folder)
    holder.kill()
    holder.wait()
    with experiment_lock(folder):
        assert str(folder) in refusal(folder)
    with experiment_lock(folder):
        pass


def test_a_second_maker_of_a_dataset_waits(tmp_path, holder, capsys):
    told: list[str] = []

    def release_once_it_waits():
        while not told:
            told.extend(capsys.readouterr().err.splitlines())
            time.sleep(0.01)
        holder.stdin.close()

    releasing = threading.Thread(target=release_once_it_waits)
    releasing.start()
    with dataset_lock(tmp_path / "experiment"):
        assert holder.stdin.closed
        assert told == [f"Another process makes the dataset in {tmp_path / 'experiment'}; waiting for it."]
    releasing.join()


def test_those_who_look_for_a_training_do_not_see_each_other(tmp_path, holder):
    folder, seen = tmp_path / "experiment", []
    assert is_learning(folder)
    holder.kill()
    holder.wait()
    lookers = [threading.Thread(target=lambda: seen.extend(is_learning(folder) for _ in range(300))) for _ in range(3)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert seen == [False] * 900


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path):
    """In a folder from others it could lead to a file of the person who resumes the training."""
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / ".lock").symlink_to(tmp_path / "precious")
    assert "Can't write to experiment_folder" in refusal(tmp_path / "experiment")
    assert (tmp_path / "precious").read_text() == "mine"

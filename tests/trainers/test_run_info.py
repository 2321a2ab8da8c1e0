"""A training's notes about itself: machine, libraries, commit."""

import json
import shutil
import subprocess
import time

import pytest

from trainers.run_info import add_run, describe_run, git_state


def test_every_start_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["main.py", "--set", "labels_file=my words.json"])
    file = tmp_path / "run.json"
    add_run(file)
    add_run(file)
    first, second = json.loads(file.read_text(encoding="utf-8"))["runs"]
    assert first["command"] == second["command"] == "main.py --set 'labels_file=my words.json'"
    assert time.strptime(first["started"], "%Y-%m-%dT%H:%M:%S%z").tm_year >= 2024
    # A damaged record is replaced.
    for damaged in ("{", "[]", '{"runs": 3}'):
        file.write_text(damaged, encoding="utf-8")
        add_run(file)
        assert len(json.loads(file.read_text(encoding="utf-8"))["runs"]) == 1
    assert describe_run()["python"].count(".") == 2


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_state(tmp_path):
    def git(*arguments: str) -> str:
        line = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path), *arguments]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()

    assert git_state(tmp_path) is None
    git("init", "--quiet")
    (tmp_path / "file").write_text("1", encoding="utf-8")
    git("add", "file")
    git("commit", "--quiet", "-m", "first")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "changed": False}
    (tmp_path / "file").write_text("2", encoding="utf-8")
    assert git_state(tmp_path)["changed"] is True
    # Code within somebody else's repository is not that repository.
    (tmp_path / "inner").mkdir()
    assert git_state(tmp_path / "inner") is None

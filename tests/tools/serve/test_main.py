"""The command `python -m tools.serve`."""

import http.client
import signal
import socket
import subprocess
import sys
import time

import pytest

from models.model_folder import ModelFolder
from tests.helpers.tiny import REPOSITORY
from tools.serve import __main__ as command
from utils.config.load import load_config


@pytest.mark.parametrize(
    "options",
    [
        ["--host", "0.0.0.0"],
        ["--host", "192.168.0.2", "--token", "short"],
        ["--token", "sechzehn-Zeichen-\u00e4"],
        ["--token", "sixteen letters and blanks"],
        ["--token", "sixteen+letters&signs"],
        ["--name", "../x"],
        ["--name", ""],
        ["--port", "0"],
        ["-c", "none.yml"],
        ["--set", "network.latent_dim=3"],
    ],
)
def test_options_that_are_refused(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = command.main(options)
    except SystemExit as error:
        code = error.code
    assert code == 2 and list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(monkeypatch, capsys):
    monkeypatch.setattr(command, "NEEDED", {"no_such_module": "no-such-package"})
    assert command.main([]) == 2
    assert "no-such-package" in (error := capsys.readouterr().err) and '".[serve]"' in error


def test_it_reads_as_the_best_recipe_with_calibrated_confidences():
    served, recipe = (load_config(REPOSITORY / "configs" / f"{name}.yml").predict for name in ("adapt", "iam"))
    assert served == recipe
    assert ModelFolder(REPOSITORY / "snapshots" / "iam").calibration(served)


def test_it_serves_until_it_is_interrupted(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = [sys.executable, "-m", "tools.serve", "-c", str(REPOSITORY / "configs" / "iam_fast.yml")]
        line += ["--port", str(port), "--set", f"experiment_folder={tmp_path}/none"]
        environment = {"PYTHONPATH": str(REPOSITORY), "PATH": ""}
        options = {"cwd": tmp_path, "env": environment, "stderr": subprocess.PIPE, "text": True}
        busy = subprocess.run(line, timeout=60, **options)
        assert busy.returncode == 2 and f"port {port}" in busy.stderr and not (tmp_path / "datasets").exists()
    with subprocess.Popen(line, **options) as process:
        try:
            for _ in range(600):
                time.sleep(0.1)
                try:
                    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                    client.request("GET", "/health")
                    break
                except ConnectionRefusedError:
                    assert process.poll() is None, process.stderr.read()
            assert client.getresponse().status == 200
            client.close()
        finally:
            process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) == 130
        finally:
            process.kill()
        assert "Traceback" not in process.stderr.read()
    assert (tmp_path / "datasets" / "corrections" / "mine").is_dir()

"""How the processes of a training find each other, and what each of them does."""

import json
import os
import re
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import yaml

from data_generators.buckets import Buckets
from data_generators.data_generator import training_generator
from preprocessing.tokenizer import PAD
from tests.helpers.data import make_config, make_dataset, spec_of
from tests.helpers.tiny import REPOSITORY
from utils.cluster import Cluster
from utils.config.load import load_config
from utils.config.train import DistributionConfig
from utils.errors import UserError
from utils.keras_import import choose_backend

JOBS = REPOSITORY / "docs" / "jobs"
PARALLEL = {"strategy": "data_parallel"}
# Prints what each of a list of settings gives: index and number of processes, or the error.
CONNECT = """
import json, os, sys
from utils.config.train import DistributionConfig
from utils.cluster import start_cluster
from utils.errors import UserError
for settings in json.loads(sys.argv[1]):
    try:
        cluster = start_cluster(DistributionConfig(strategy="data_parallel", **settings))
        print("answer", json.dumps([cluster.index, cluster.number, cluster.gather(cluster.index)]))
    except UserError as error:
        print("answer", json.dumps(str(error)))
sys.stdout.flush()
"""


def connect(*settings: dict, **environment: str) -> subprocess.Popen:
    """Starts a process that connects with each of the settings in turn."""
    return subprocess.Popen(
        [sys.executable, "-c", CONNECT, json.dumps(settings)],
        cwd=REPOSITORY,
        env={**os.environ, "KERAS_BACKEND": "jax", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def answers(process: subprocess.Popen) -> list:
    output, _ = process.communicate(timeout=600)
    lines = [line.partition("answer ") for line in output.splitlines()]  # Gloo prints, too.
    return [json.loads(answer) for _, found, answer in lines if found]


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def test_slurm_names_the_processes():
    step = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "localhost,none[3-4]", "SLURM_NTASKS": "2"}
    step["JAX_COORDINATOR_PORT"] = free_port()
    processes = [connect({}, **step, SLURM_PROCID=index, SLURM_LOCALID=index) for index in "01"]
    assert [answers(process) for process in processes] == [[[0, 2, [0, 1]]], [[1, 2, [0, 1]]]]


def test_the_config_overrides_slurm_and_an_indexed_job_names_the_process():
    step = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "none", "SLURM_NTASKS": "16", "SLURM_LOCALID": "0"}
    settings = {"coordinator": f"localhost:{free_port()}", "num_processes": 2}
    first = connect({**settings, "process_id": 0}, **step, SLURM_PROCID="9")
    second = connect(settings, JOB_COMPLETION_INDEX="1")
    assert [answers(first), answers(second)] == [[[0, 2, [0, 1]]], [[1, 2, [0, 1]]]]


def test_what_is_missing_is_an_error_and_nothing_at_all_a_single_process():
    here = {"coordinator": "localhost:1"}
    wrong = [
        {"num_processes": 2, "process_id": 0},
        {"num_processes": 2, **here},
        {"process_id": 0, **here},
        {"num_processes": 2, "process_id": 2, **here},
    ]
    *errors, alone, named = answers(connect(*wrong, {}, {"num_processes": 1, **here}))
    assert all("train.distribution" in error for error in errors) and len(errors) == len(wrong)
    assert alone == named == [0, 1, [0]]


def test_the_strategy_chooses_the_backend(monkeypatch):
    for distribution, backend in ((PARALLEL, "jax"), ({"strategy": "mirrored"}, "tensorflow"), ({}, None)):
        # Set before it is deleted, so that what is chosen here is taken back.
        monkeypatch.setenv("KERAS_BACKEND", "")
        monkeypatch.delenv("KERAS_BACKEND")
        choose_backend(DistributionConfig(**distribution))
        assert os.environ.get("KERAS_BACKEND") == backend
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(UserError, match="data_parallel needs KERAS_BACKEND=jax, not tensorflow"):
        choose_backend(DistributionConfig(**PARALLEL))


@pytest.mark.parametrize("file", ["slurm.sh", "kubernetes.yml"])
def test_the_job_files_hold_valid_settings(file):
    text = (JOBS / file).read_text(encoding="utf-8")
    settings = re.findall(r"(?<=[ \n])([a-z][a-z_.]*=[^\s\\#]+)(?= )?", text)
    settings = [setting for setting in settings if setting.startswith(("train.", "experiment_folder"))]
    config = load_config("configs/synthetic.yml", settings)
    assert config.train.distribution.strategy == "data_parallel" and config.train.packed.folder
    if file.endswith(".yml"):
        job = list(yaml.safe_load_all(text))[1]["spec"]
        assert job["completions"] == config.train.distribution.num_processes
        assert job["completionMode"] == "Indexed" and config.train.distribution.coordinator


def test_parts_of_the_words_are_the_whole():
    words = make_dataset(number=11)
    parts = []
    for index in range(3):
        cluster = Cluster()
        cluster.index, cluster.number = index, 3
        parts.append(words.shard(cluster.index, cluster.number))
    assert sorted(word.filename for part in parts for word in part.words) == sorted(
        word.filename for word in words.words
    )
    with pytest.raises(UserError, match="2 validation words are too few for 3 processes"):
        words.select(np.arange(2)).shard(cluster.index, cluster.number)


def parts_of_batches(monkeypatch, number, **sections):
    """The batches of each of `number` processes on JAX."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    config = make_config(train={"batch_size": 8}, network={"ctc_weight": 0.3}, **sections)
    found = []
    for index in range(number):
        cluster = Cluster()
        cluster.index, cluster.number = index, number
        words = make_dataset()
        generator = training_generator(words, [(len(words),) * 2], spec_of(config), config, cluster)
        found.append([generator.batch(1, step) for step in range(len(generator))])
    return found


def test_processes_get_equal_parts_of_the_batches_that_one_would_get(monkeypatch):
    augmented = {"use_data_aug": True, "wrong_characters": 0.3, "shear_range": 10}
    (whole,) = parts_of_batches(monkeypatch, 1, data_aug=augmented)
    halves = parts_of_batches(monkeypatch, 2, data_aug=augmented)
    shapes = set()
    for step, (inputs, targets) in enumerate(whole):
        for name, values in inputs.items():
            parts = [half[step][0][name] for half in halves]
            assert parts[0].shape == parts[1].shape and np.array_equal(np.concatenate(parts), values)
        parts = [half[step][1]["characters"] for half in halves]
        assert np.array_equal(np.concatenate(parts), targets["characters"])
        shapes.add((inputs["image"].shape, targets["characters"].shape))
    assert {image[0] for image, _ in shapes} == {8}
    config = make_config()
    buckets = Buckets(config.image, config.network)
    assert {image[2] for image, _ in shapes} <= set(buckets.widths)
    assert {length for _, (_, length) in shapes} <= set(buckets.lengths)
    # 50 words and 6 that fill the last batch up.
    assert sum((targets["characters"][:, 0] != PAD).sum() for _, targets in whole) == 50


def test_buckets_are_few_and_hold_what_comes():
    config = make_config(data_aug={"zoom_range": [0.8, 1.25], "shear_range": 0})
    buckets = Buckets(config.image, config.network, config.data_aug)
    assert buckets.widths == [12, 16, 24, 32, 48, 64] and buckets.lengths == [8, 9]
    assert buckets.width(16) == 24 and buckets.width(64) == 64
    assert buckets.width(16, least=40) == 48 and buckets.width(8, least=100) == 100
    assert buckets.length(7) == 8 and buckets.length(8) == 9

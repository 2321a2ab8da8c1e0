"""The benchmarks measure what they say; how fast anything is, no test asks."""

import itertools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from benchmarks import measurements, profile, reading, seed_decoding, seed_training, training, worker
from benchmarks.data import make_data
from benchmarks.measurements import Row, Settings
from benchmarks.process import Run, in_turn, run
from benchmarks.report import as_markdown, draw, number, write_report
from exporters.run import export
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from predictors.greedy import GreedyDecoder
from preprocessing.labels import read_labels
from preprocessing.tokenizer import Tokenizer
from tests.helpers.tiny import REPOSITORY, tiny_settings, write_settings
from utils.config.load import load_config


@pytest.fixture
def model(make_config, tmp_path):
    """The folder of an untrained model."""
    config = make_config()
    keras.utils.set_random_seed(1)
    save_model(
        tmp_path / "model", ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("abc"))), {}
    )
    return tmp_path / "model"


def test_processes_are_measured_by_themselves():
    own = bytearray(200_000_000)  # none of this process' memory counts
    small, large = run("-c", "print('done')"), run("-c", "x = bytearray(80_000_000); x[::4096] = x[::4096]")
    assert small.output == "done\n" and small.seconds > 0
    assert small.peak_mb < 50 and 60 < large.peak_mb - small.peak_mb < 100 and own is not None
    with pytest.raises(RuntimeError, match="exit code 3:\nwrong"):
        run("-c", "import sys; print('wrong', file=sys.stderr); sys.exit(3)")
    run("-c", "raise SystemExit(3)", exit_code=3)


def test_tasks_take_turns():
    order = []
    tasks = {name: lambda name=name: order.append(name) or len(order) for name in "ab"}
    assert in_turn(tasks, 2) == {"a": [1, 3], "b": [2, 4]}


def test_training_speed_counts_words_after_the_warm_up(make_config, eagerly):
    result = training.measure(make_config(), seconds=0)
    # 20 words in batches of 8 are three steps, all of them warm-up; the fourth is of the next epoch.
    assert result["words"] in (4, 8) and result["words_per_second"] > 0


def test_training_of_the_seed_project(make_config, eagerly):
    """A batch is what its code makes of the words; the network has the size of `configs/seed.yml`'s."""
    config = make_config(image={"fixed_width": True}, train={"batch_size": 3})
    words = read_labels(config.labels_file).splits["train"]
    batches = seed_training.SeedBatches(config, words)
    (images, read), target = batches[0]
    assert images.shape == (3, 16, 64, 1) and images.dtype == read.dtype == target.dtype == np.float32
    assert np.abs(images.mean((1, 2, 3))).max() < 1e-4 and np.allclose(images.std((1, 2, 3)), 1, atol=1e-3)
    for row, word in enumerate(words[:3]):
        ids = batches.tokenizer.encode(word.label)
        assert target[row].argmax(-1)[: len(ids)].tolist() == ids
        assert read[row, 1:].argmax(-1)[: len(ids)].tolist() == ids
        assert target[row].sum() == read[row].sum() == len(ids) + 1
    assert seed_training.measure(config, seconds=0)["words"] == 3
    seed = load_config(REPOSITORY / "configs/seed.yml", [])
    tokenizer = Tokenizer(seed.network.charset)
    model = seed_training.build_model(seed, tokenizer.vocabulary_size)
    assert (
        model.count_params()
        == ModelSeq2Seq(ModelSpec(seed.image, seed.network, tokenizer)).keras_model.count_params()
    )


def test_generator_speed(make_config):
    _, batches = training.prepare(make_config(data_aug={"use_data_aug": True}))
    sizes = list(itertools.islice(worker.batch_sizes(batches), 6))
    assert sorted(sizes[:3]) == sorted(sizes[3:]) == [4, 8, 8]
    assert worker.throughput(iter([1000, 7, 5]), 0)["words"] == 7


@pytest.mark.parametrize("name", ["keras", "onnx"])
def test_evaluation_speed(make_config, model, monkeypatch, name):
    monkeypatch.setattr(GreedyDecoder, "call", GreedyDecoder.call)  # to be put back afterwards
    if name == "onnx":
        export(make_config(predict={"weights_file": str(model)}))
    config = make_config(predict={"runtime": name, "weights_file": str(model)})
    result = reading.read_words(config)
    assert result["words"] == 8 and (result["traces"] > 0) == (name == "keras")


def test_decoding_of_the_seed_project(make_config, eagerly):
    config = make_config(image={"fixed_width": True}, network={"columns": "flatten"})
    assert seed_decoding.read_words(config)["words"] == 8
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer(config.network.charset)))
    decoder = seed_decoding._one_step(network)
    images = np.random.default_rng(0).uniform(0, 255, (3, 16, 64, 1)).astype(np.float32)
    assert seed_decoding._decode(images, network.encoder, decoder, 5).shape == (3, 5)


def test_parts_of_the_table(dataset, tmp_path, monkeypatch):
    """With made-up figures: the ratios are to the right row, and all words reach the right task."""
    asked = []

    def work(task, config, set, seconds):
        if task == "packed":
            return {"words_per_second": 70.0, "peak_mb": 110.0 if "10000" in set[0] else 100.0}
        labels = json.loads(next(item for item in set if item.startswith("labels_file=")).partition("=")[2])
        splits = read_labels(labels).splits
        assert splits["train"] == splits["test"]
        asked.append((task, config, len(splits["train"])))
        slow = {"seed_decoding": 2.0, "seed_training": 5.0, "generator": 500.0}
        speed = slow.get(task, 10.0 if "seed" in config else 40.0)
        result = {"words_per_second": speed, "words": len(splits["train"]), "traces": 1}
        return {**result, "peak_mb": 100.0 + len(splits["train"])}

    def fake_run(*arguments, exit_code=0):
        seconds = 1.0 if "predict.runtime=onnx" in arguments else 8.0
        return Run(seconds, 10 * seconds, "")

    monkeypatch.setattr(measurements, "work", work)
    monkeypatch.setattr(measurements, "run", fake_run)
    data = make_data(tmp_path, 20, str(dataset / "words"), str(dataset / "labels.json"))
    assert len(data.words) == 20 and all(path.is_file() for path in data.files(20))
    models = {
        config: tmp_path / "model" for config in (measurements.COMPACT, measurements.BEST, measurements.INT8)
    }
    settings = Settings(data, models, 20, 5, 3, seconds=0, repeats=2)
    rows = [row for part in measurements.PARTS.values() for row in part(settings)]
    ratios = {(row.part, row.what, row.unit): row.ratio for row in rows}
    assert ratios["training speed", "configs/iam_fast.yml", "words/s"] == 4
    seeds_way = "training speed against the seed project's way"
    assert ratios[seeds_way, "configs/iam_fast.yml", "words/s"] == 8
    assert ratios["evaluation speed", "configs/iam_fast.yml, Keras", "words/s"] == 20
    assert ratios["start", "--predict, ONNX Runtime", "s"] == 1 / 8
    assert ratios["generator", "generator on one core", "words/s"] == 12.5
    assert ratios["memory", "training, 20 words", "MB"] == 120 / 102
    assert {("seed_decoding", "configs/seed.yml", 5), ("reading", "configs/iam_fast.yml", 20)} < set(asked)
    packed = {(row.what, row.unit, row.n): (row.value, row.ratio) for row in rows if row.part == "packed"}
    assert packed["rendered and packed, 10000 words", "words/s", "10000 words"] == (1250, None)
    assert packed["an epoch, 10000 words", "MB", "10000 words"] == (110, 1.1) and len(packed) == 8
    assert all(len(row.runs) == 2 for row in rows if row.part != "packed")
    write_report(tmp_path / "out", rows, "python -m benchmarks")
    content = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert len(content["figures"]) == len(rows) and content["cores"] > 0 and content["commit"]
    with Image.open(tmp_path / "out" / "results.png") as picture:
        assert picture.width > 500


def test_table_and_picture():
    rows = [Row("p", "base", "s", "1", [4.0, 2.0, 9.0]), Row("p", "new", "s", "1", [1234.5], 308.6, "base")]
    table = as_markdown(rows, {"commit": "abc"})
    assert "- commit: abc" in table and "## P" in table
    assert "| base | 4 s | 3: 2 to 9 | 1 |  |" in table
    assert "| new | 1,234 s | 1: 1,234 to 1,234 | 1 | 308.60 times base |" in table
    assert [number(value) for value in (0.01234, 1.5, 123.4)] == ["0.0123", "1.5", "123"]
    few = draw(rows[:1], {"machine": "m", "date": "d", "commit": "c"})
    assert draw(rows, {"machine": "m", "date": "d", "commit": "c"}).height > few.height


def test_whole_command(dataset, model, tmp_path):
    line = [sys.executable, "-m", "benchmarks", "--quick", "--only", "start"]
    line += ["--images", str(dataset / "words"), "--labels", str(dataset / "labels.json")]
    line += ["--compact", str(model), "--best", str(model), "--output", str(tmp_path / "out")]
    result = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    figures = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["figures"]
    found = {(row["what"], row["unit"]): row["value"] for row in figures}
    # Memory doesn't depend on how busy the machine is.
    assert found["--predict, ONNX Runtime", "MB"] < 0.5 * found["--predict, TensorFlow", "MB"]
    assert found["--help", "MB"] < found["--predict, ONNX Runtime", "MB"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "results.json",
        "results.md",
        "results.png",
    ]
    line[line.index(str(model))] = "nowhere"
    result = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert result.returncode == 2 and "nowhere does not exist" in result.stderr


def test_profile(dataset, tmp_path):
    config = write_settings(tmp_path / "tiny.yml", tiny_settings(dataset, tmp_path))
    assert profile.main(["-c", config, "--output", str(tmp_path / "profile.md")]) == 0
    table = (tmp_path / "profile.md").read_text(encoding="utf-8")
    # TensorFlow may put its own or oneDNN's (_MklNativeConv2D) in the place of one operation.
    assert "Conv2D |" in table and "MatMul |" in table and "for 8 words" in table and f"## {config}" in table
    assert "convolutions " in table and "matrix products " in table
    assert "| Process |" not in table and "__inference" not in table
    assert profile.main(["-c", "nowhere.yml"]) == 2

"""The benchmarks measure what they claim to; no test depends on speed."""

import json
import subprocess
import sys

import keras
import pytest

from benchmarks import evaluation, generator, recurrence, training
from benchmarks.process import run
from benchmarks.report import Row, as_markdown, draw, number
from benchmarks.settings import find_words
from exporters.run import export
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.precision import trains_on_cpu
from models.saving import save_model
from preprocessing.labels import Word, write_labels
from preprocessing.tokenizer import Tokenizer
from tests.helpers.tiny import REPOSITORY
from utils.errors import UserError


@pytest.fixture
def model(make_config, tmp_path):
    """The folder of an untrained model."""
    config = make_config()
    keras.utils.set_random_seed(1)
    save_model(tmp_path / "model", ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("abc"))), {})
    return tmp_path / "model"


def test_processes_are_measured_by_themselves():
    own = bytearray(200_000_000)  # none of this process' memory counts
    small, large = run("-c", "print('done')"), run("-c", "x = bytearray(80_000_000); x[::4096] = x[::4096]")
    assert small.output == "done\n" and small.seconds > 0
    assert small.peak_mb < 50 and 60 < large.peak_mb - small.peak_mb < 100 and own is not None
    with pytest.raises(RuntimeError, match="exit code 3:\nwrong"):
        run("-c", "import sys; print('wrong', file=sys.stderr); sys.exit(3)")
    run("-c", "raise SystemExit(3)", exit_code=3)


def test_what_a_command_refuses_is_one_sentence():
    with pytest.raises(UserError, match="nowhere"):
        run("main.py", "-c", "nowhere.yml", "--train")


def test_a_labels_file_without_training_words_is_refused(tmp_path):
    write_labels(tmp_path / "labels.json", {"val": [Word("a.png", "a")]})
    with pytest.raises(UserError, match="labels"):
        find_words(tmp_path, 10, str(tmp_path), str(tmp_path / "labels.json"))


def test_training_speed_counts_words_after_the_warm_up(make_config, eagerly):
    result = training.measure(make_config(), seconds=0)
    # 20 words in batches of 8 are three steps, all of them warm-up; the fourth is of the next epoch.
    assert result["words"] in (4, 8) and result["words_per_second"] > 0


def test_generator_counts_words_after_the_first_batch(make_config, monkeypatch):
    """The 20 words are batches of 8, 8 and 4."""
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None, raising=False)
    result = generator.measure(make_config(data_aug={"use_data_aug": True}), seconds=0)
    assert result["words"] in (4, 8) and result["words_per_second"] > 0


@pytest.mark.parametrize("measure", [recurrence.measure, recurrence.measure_keras])
def test_training_on_lines_counts_whole_batches(make_config, monkeypatch, measure):
    monkeypatch.setattr("models.lstm.trains_on_cpu", trains_on_cpu)  # which measure_keras changes for its process
    result = measure(make_config(network={"charset": "abc", "ctc_weight": 0.3}), 0)
    assert result["lines"] == recurrence.LINES and result["lines_per_second"] > 0


@pytest.mark.parametrize("name", ["keras", "onnx"])
def test_evaluation_speed(make_config, model, name):
    if name == "onnx":
        export(make_config(predict={"weights_file": str(model)}))
    config = make_config(predict={"runtime": name, "weights_file": str(model)})
    assert evaluation.measure(config, 0)["words"] == 8


def test_table_and_picture():
    rows = [Row("p", "base", "s", "1", [4.0, 2.0, 9.0]), Row("p", "new", "s", "1", [1234.5], 308.6, "base")]
    table = as_markdown(rows, {"commit": "abc"})
    assert "- commit: abc" in table and "## P" in table
    assert "| base | 4 s | 3: 2 to 9 | 1 |  |" in table
    assert "| new | 1,234 s | 1: 1,234 to 1,234 | 1 | 308.60 times base |" in table
    assert [number(value) for value in (0.01234, 1.5, 123.4)] == ["0.0123", "1.5", "123"]
    (axes,) = draw(rows, {"machine": "m", "date": "d", "commit": "c"}).axes
    assert [bar.get_width() for bar in axes.patches] == [4, 1234.5]
    assert [text.get_text() for text in axes.texts] == ["4", "1,234  (308.60 x)"]


def test_whole_command(dataset, model, tmp_path):
    line = [sys.executable, "-m", "benchmarks", "--quick", "--only", "start"]
    line += ["--images", str(dataset / "words"), "--labels", str(dataset / "labels.json")]
    line += ["--compact", str(model), "--best", str(model), "--output", str(tmp_path / "out")]
    result = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    figures = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["figures"]
    found = {(row["what"], row["unit"]): row["runs"][0] for row in figures}
    # Memory doesn't depend on how busy the machine is.
    assert found["--predict, ONNX Runtime", "MB"] < 0.5 * found["--predict, TensorFlow", "MB"]
    assert found["--help", "MB"] < found["--predict, ONNX Runtime", "MB"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.json", "results.md"]
    line[line.index(str(model))] = "nowhere"
    result = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert result.returncode == 2 and "nowhere" in result.stderr

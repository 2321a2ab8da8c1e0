"""Fixtures that many tests use, and how hypothesis searches."""

import os
import signal
from pathlib import Path

import hypothesis
import pytest

from tests.helpers.tiny import make_dataset, tiny_settings, write_settings

# What trains, compiles graphs or starts processes; `make test-fast` leaves it out.
SLOW = (
    *("benchmarks/", "callbacks/", "exporters/", "system/", "trainers/", "predictors/lexicon/", "predictors/onnx/"),
    *("predictors/report/test_report", "predictors/test_beam", "predictors/test_calibration"),
    *("predictors/test_predictor", "predictors/test_reader", "predictors/test_pages"),
    *("predictors/test_test_time_augmentation", "tools/serve/"),
    *("models/test_model_folder", "models/test_models", "models/test_precision", "models/test_transfer"),
    *("data_generators/synthetic/", "data_generators/test_packed", "data_generators/test_training_words"),
    *("utils/test_distributed", "utils/test_system"),
)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Two tests run at a time, and networks of a few units gain nothing by a second thread.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
# What a shell starts in the background (`make test &`) ignores Ctrl-C, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name, examples in {"short": 60, "long": 10_000}.items():  # --hypothesis-profile long
    hypothesis.settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
hypothesis.settings.load_profile("short")


def pytest_collection_modifyitems(items):
    """Marks the tests of `SLOW` as slow."""
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """The folder that `make_dataset` makes."""
    return make_dataset(tmp_path_factory.mktemp("synthetic") / "data")


@pytest.fixture
def make_config(dataset, tmp_path):
    """A function: nested changes -> a `Config` of the tiny network."""
    from utils.config.load import validate_config

    return lambda **changes: validate_config(tiny_settings(dataset, tmp_path, **changes), "tiny")


@pytest.fixture
def tiny(dataset, tmp_path):
    """A function: changes -> config file of a tiny training in `tmp_path`."""
    return lambda **changes: write_settings(tmp_path / "tiny.yml", tiny_settings(dataset, tmp_path, **changes))


@pytest.fixture
def experiment(tmp_path) -> Path:
    """Where `tiny` trains."""
    return tmp_path / "experiment"


@pytest.fixture
def after_step(monkeypatch):
    """A function: (number, action) -> the action runs after that training step of this test."""
    from callbacks.progress_bar import ProgressBar

    def arrange(number: int, action) -> None:
        steps, real = [], ProgressBar.on_train_batch_end

        def on_train_batch_end(self, batch, logs=None):
            real(self, batch, logs)
            steps.append(batch)
            if len(steps) == number:
                action(self.model)

        monkeypatch.setattr(ProgressBar, "on_train_batch_end", on_train_batch_end)

    return arrange


@pytest.fixture
def eagerly():
    """No tracing, and no curves after each epoch: both cost more than these tiny networks' whole training."""
    import tensorflow as tf

    from utils.files import write_text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("callbacks.history.draw_history", lambda path, rows: write_text(path, ""))
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def pages_found_once():
    """The detector looks at each picture once: a second each time, for the same boxes."""
    from preprocessing.page.detect import TextDetector

    real, known = TextDetector.find, {}

    def find(self, page):
        key = page.shape, page.tobytes()
        if key not in known:
            known[key] = real(self, page)
        return known[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextDetector, "find", find)
        yield

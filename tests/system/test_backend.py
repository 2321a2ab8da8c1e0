"""A backend of Keras that can't be imported is named."""

import os

import pytest

from tests.helpers.tiny import command


@pytest.mark.slow
def test_a_package_that_does_not_fit_is_not_blamed_on_the_backend(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ValueError('numpy.dtype size changed')\n", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    env.pop("KERAS_BACKEND", None)
    result = command("--train", "--set", f"experiment_folder={tmp_path}/e", env=env)
    assert result.returncode == 1 and "dtype size changed" in result.stderr and "KERAS_BACKEND=" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jx", "jax"])
def test_a_backend_that_is_not_there_is_named(tmp_path, backend):
    if backend == "jax":
        (tmp_path / "jax.py").write_text("raise ModuleNotFoundError(name='jax')\n", encoding="utf-8")
    env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(tmp_path)}
    result = command("--train", "--set", f"experiment_folder={tmp_path}/e", env=env)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert ("requirements-scale.txt" if backend == "jax" else "KERAS_BACKEND=jx") in result.stderr

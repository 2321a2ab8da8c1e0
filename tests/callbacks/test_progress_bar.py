"""The bar of a training, and the time left."""

import functools

import pytest
from tqdm import tqdm

from callbacks.progress_bar import ProgressBar


@pytest.mark.parametrize("disabled", ["", "1"])
def test_steps_are_counted_with_and_without_a_bar(monkeypatch, capsys, disabled):
    """TQDM_DISABLE is usual in batch jobs."""
    bar = functools.partial(tqdm, disable=bool(disabled))
    monkeypatch.setattr("callbacks.progress_bar.progress_bar", bar)
    progress = ProgressBar(words=100, steps=10, num_epochs=2, first_step=4)
    for epoch, first in ((0, 4), (1, 0)):
        progress.on_epoch_begin(epoch)
        for step in range(first, 10):
            progress.on_train_batch_end(step, {"loss": 1.0})
        progress.on_epoch_end(epoch, {"loss": 1.0})
    assert progress.steps_done == 16
    progress.close()
    assert "Epoch 2/2" in capsys.readouterr().err


def test_the_time_left_after_resuming_counts_whole_epochs(monkeypatch, capsys):
    """Two epochs of ten steps of a second and a minute of validation, after one step and a minute."""
    now = [0.0]
    monkeypatch.setattr("callbacks.progress_bar.time.monotonic", lambda: now[0])
    progress = ProgressBar(words=100, steps=10, num_epochs=3, first_step=9)
    progress.on_epoch_begin(0)
    now[0] = 1
    progress.on_train_batch_end(9, {"loss": 1.0})
    now[0] = 61
    progress.on_epoch_end(0, {"loss": 1.0})
    assert "0:02:20 left" in capsys.readouterr().err

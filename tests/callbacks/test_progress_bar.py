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

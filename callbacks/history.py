"""Writes the values of every epoch as a table and as curves."""

from pathlib import Path

import keras

from metrics.plots import make_figure, plot_curves, save_png
from utils.files import write_csv


class History(keras.callbacks.Callback):
    """Keeps one row per epoch and rewrites `history.csv` and `history.png` in `folder` after each.

    `rows` are {"epoch": 1, "learning_rate": ..., "loss": ..., ...}; a resumed training starts with earlier ones.
    """

    def __init__(self, folder: Path, rows: list[dict[str, float]]) -> None:
        super().__init__()
        self.folder = folder
        self.rows = list(rows)

    def on_epoch_end(self, epoch, logs=None):
        # ReduceLROnPlateau puts the epoch's rate into the logs before it lowers the optimizer's.
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        values = {"learning_rate": rate, **(logs or {})}
        self.rows.append({"epoch": epoch + 1, **{name: float(value) for name, value in values.items()}})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        write_csv(self.folder / "history.csv", columns, self.rows)
        draw_history(self.folder / "history.png", self.rows)


def draw_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Draws the losses and, in per cent, the validation's error rates by epoch; UserError if it can't be written."""
    figure, (losses, rates) = make_figure(columns=2)
    plot_curves(losses, "loss", rows, ("loss", "val_loss"))
    plot_curves(rates, "error rates on validation, %", rows, ("val_cer", "val_wer"), 100)
    save_png(path, figure)

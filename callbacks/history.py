"""The values of every epoch, as a table and as curves."""

from pathlib import Path

import keras

from utils.files import write_csv
from utils.plots import line_panel, save_panels


class History(keras.callbacks.Callback):
    """Keeps one row per epoch and rewrites `history.csv` and `history.png` as a whole.

    Args:
        folder: gets both files.

    Attributes:
        rows: {"epoch": 1, "learning_rate": ..., "loss": ..., ...} per epoch; a resumed training
            starts with the rows of the interrupted one.
    """

    def __init__(self, folder: Path, rows: list[dict[str, float]] | None = None) -> None:
        super().__init__()
        self.folder = folder
        self.rows = list(rows or [])

    def on_epoch_end(self, epoch, logs=None):
        # ReduceLROnPlateau puts the epoch's rate into the logs before it lowers the optimizer's.
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        values = {"learning_rate": rate, **(logs or {})}
        self.rows.append({"epoch": epoch + 1, **{name: float(value) for name, value in values.items()}})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        write_csv(self.folder / "history.csv", columns, self.rows)
        draw_history(self.folder / "history.png", self.rows)


def draw_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Draws the losses, and the error rates on validation in per cent, over the epochs.

    Raises:
        UserError: the file can't be written.
    """

    def points(name: str, factor: float = 1.0) -> list[tuple[float, float]]:
        return [(row["epoch"], factor * row[name]) for row in rows if name in row]

    losses = {name: points(name) for name in ("loss", "val_loss")}
    rates = {name: points(name, 100) for name in ("val_cer", "val_wer")}
    save_panels(path, [line_panel("loss", losses), line_panel("error rates on validation, %", rates)])

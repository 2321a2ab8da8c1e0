"""The values of every epoch, as a table in a file."""

from pathlib import Path

import keras

from utils.files import write_csv


class History(keras.callbacks.Callback):
    """Keeps one row per epoch and rewrites `history.csv` as a whole, so that resuming repeats none.

    Attributes:
        rows: {"epoch": 1, "learning_rate": ..., "loss": ..., ...} per epoch; a resumed training
            starts with the rows of the interrupted one.
    """

    def __init__(self, path: Path, rows: list[dict[str, float]] | None = None) -> None:
        super().__init__()
        self.path = path
        self.rows = list(rows or [])

    def on_epoch_end(self, epoch, logs=None):
        # ReduceLROnPlateau puts the epoch's rate into the logs before it lowers the optimizer's.
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        values = {"learning_rate": rate, **(logs or {})}
        self.rows.append({"epoch": epoch + 1, **{name: float(value) for name, value in values.items()}})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        write_csv(self.path, columns, self.rows)

"""The `--report` option: gathers the model, its history and facts for the report."""

import csv
import math
import time
from collections.abc import Sequence
from pathlib import Path

from base.base_predictor import Prediction
from data_generators.dataset import Dataset
from models.artifact import load_artifact
from models.description import trained_folder
from predictors.report.write import PAGE_FILE, TABLE_FILE, Evaluation, write_report
from utils.config.schema import Config
from utils.files import check_writable


def prepare_folder(folder: Path) -> None:
    """Makes the folder of the report before the words are read.

    Raises:
        UserError: it can't be made or written to.
    """
    for name in (PAGE_FILE, TABLE_FILE):
        check_writable(folder / name)


def report_on(
    config: Config, folder: Path, model: Path, dataset: Dataset, predictions: Sequence[Prediction]
) -> Path:
    """Writes the report on the predictions of the model in folder `model`; returns the path of the page.

    Raises:
        UserError: the model folder or the report's folder can't be used.
    """
    # Loaded again for the attention, which not every predictor of words can give.
    network, description = load_artifact(model)
    origin = description.get("origin", {})
    facts = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "model": str(model),
        "parameters": f"{network.parameter_count:,}",
        "trained on": f"{origin.get('train_words', '?')} words of {origin.get('labels_file', '?')}",
        "test words": f"{config.labels_file} in {config.images_folder}",
        "licence of the training data": str(origin.get("licence", "")),
    }
    # The history belongs to the experiment's own model only.
    own = model == trained_folder(config)
    history = read_history(Path(config.experiment_folder) / "history.csv") if own else []
    return write_report(
        folder, Evaluation(network, dataset, predictions, facts, history, config.predict.batch_size)
    )


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a `history.csv`; none if the file is missing or no table of numbers."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [
                {name: float(value) if value else math.nan for name, value in row.items()}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError, AttributeError):
        return []

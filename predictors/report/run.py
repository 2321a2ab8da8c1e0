"""The `--report` option: gathers what the report is about."""

import time
from collections.abc import Sequence
from pathlib import Path

from base.base_predictor import Prediction
from data_generators.dataset import Dataset
from metrics.history import read_history
from models.model_folder import ModelFolder
from models.model_paths import ModelPaths
from models.saving import load_model
from predictors.report.write import PAGE_FILE, TABLE_FILE, Evaluation, write_report
from utils.config.schema import Config
from utils.files import check_writable


def prepare_folder(folder: Path) -> None:
    """Makes the report's folder before the words are read; raises UserError if it can't be made, or takes no files."""
    for name in (PAGE_FILE, TABLE_FILE):
        check_writable(folder / name)


def report_on(
    config: Config, folder: Path, model_folder: ModelFolder, dataset: Dataset, predictions: Sequence[Prediction]
) -> Path:
    """Writes the report on a dataset as read by a model; returns the page.

    Raises UserError if the weights or the report's folder can't be used.
    """
    # The predictor may run on ONNX, which gives no attention.
    model, origin = load_model(model_folder), model_folder.description.origin
    facts = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "model": str(model_folder.path),
        "parameters": f"{model.parameter_count:,}",
        "trained on": f"{origin.get('train_words', '?')} words of {origin.get('labels_file', '?')}",
        "test words": f"{config.labels_file} in {config.images_folder}",
        "licence of the training data": model_folder.licence,
    }
    # The history belongs to the experiment's own model only.
    own = model_folder.path == ModelPaths.of(config.experiment_folder, config.callbacks).trained
    history = read_history(Path(config.experiment_folder) / "history.csv") if own else []
    return write_report(folder, Evaluation(model, dataset, predictions, facts, history, config.predict.batch_size))

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


class Report:
    """The report on how a model reads a dataset; the network, whose attention is shown, may run on Keras alone.

    Made before the words are read, since a training may replace the weights meanwhile. Raises UserError if `folder`
    can't be made, or takes no files, or the weights can't be used.
    """

    def __init__(self, folder: Path, model_folder: ModelFolder) -> None:
        for name in (PAGE_FILE, TABLE_FILE):
            check_writable(folder / name)
        self.folder, self.model_folder = folder, model_folder
        self.model = load_model(model_folder)

    def write(self, config: Config, dataset: Dataset, predictions: Sequence[Prediction]) -> Path:
        """Writes the report and returns its page; raises UserError if the folder can't be used."""
        model_folder, origin = self.model_folder, self.model_folder.description.origin
        facts = {
            "date": time.strftime("%Y-%m-%d %H:%M"),
            "model": str(model_folder.path),
            "parameters": f"{self.model.parameter_count:,}",
            "trained on": f"{origin.get('train_words', '?')} words of {origin.get('labels_file', '?')}",
            "test words": f"{config.labels_file} in {config.images_folder}",
            "licence of the training data": model_folder.licence,
        }
        # The history belongs to the experiment's own model only.
        own = model_folder.path == ModelPaths.of(config.experiment_folder, config.callbacks).trained
        history = read_history(Path(config.experiment_folder) / "history.csv") if own else []
        evaluation = Evaluation(self.model, dataset, predictions, facts, history, config.predict.batch_size)
        return write_report(self.folder, evaluation)

"""The `--predict_on_test` and `--predict` jobs."""

from pathlib import Path

from base.base_predictor import Prediction, is_doubtful
from data_generators.dataset import open_split
from metrics.evaluation_report import confidence_report, report
from models.model_folder import ModelFolder
from models.model_paths import find_model
from predictors.image_files import find_images
from predictors.loading import configured_predictor, load_predictor
from predictors.output import print_prediction, row, write_table
from utils.config.schema import Config
from utils.files import check_writable
from utils.log import log


def predict_on_test(config: Config, output: str | None, report_folder: str | None, min_confidence: float | None) -> int:
    """Reads the test words and prints scores, CER and WER last; returns the exit code.

    `output` is a .json or .csv file for the predictions, `report_folder` takes the HTML report; words of less
    than `min_confidence` are marked as doubtful and scored as a group of their own.
    """
    if output:
        check_writable(output, [Path(config.labels_file)])
    folder = ModelFolder(find_model(config))
    if report_folder:
        from utils.keras_import import import_keras

        import_keras()
        from predictors.report.run import Report

        html = Report(Path(report_folder), folder)
    predictor = load_predictor(folder, config.predict, config.image.max_pixels)
    dataset = open_split(config, "test", predictor.spec.image)
    predictions = predictor.predict_dataset(dataset, progress=True)
    texts, labels = [p.text for p in predictions], [word.label for word in dataset.words]
    writers = [word.writer for word in dataset.words]
    confidence = confidence_report(labels, predictions, min_confidence)
    # Printed before the table is written: a full disk must not lose the scores.
    print("\n".join(report(labels, texts, writers, confidence)), flush=True)
    if output:
        rows = [
            {"filename": word.filename, "label": word.label, **row(prediction, min_confidence)}
            for word, prediction in zip(dataset.words, predictions)
        ]
        write_table(output, rows)
    if report_folder:
        log(f"The report is in {html.write(config, dataset, predictions)}.")
    return 0


def predict(config: Config, patterns: list[str], output: str | None, min_confidence: float | None) -> int:
    """Reads image files and prints their text; returns the exit code, 2 if one was unusable.

    `output` is a .json or .csv file for the predictions; words of less than `min_confidence` are marked.
    """
    paths = find_images(patterns)
    if output:
        check_writable(output, paths)
    predictor = configured_predictor(config)
    # A folder or glob may hold one image or many; its output has one form.
    single = len(patterns) == 1 and Path(patterns[0]).is_file()
    rows, failed, doubtful = [], 0, 0
    try:
        for path, result in predictor.read_files(paths, progress=len(paths) >= 100):
            error = ""
            if isinstance(result, Prediction):
                print_prediction(path, result, min_confidence, single)
                doubtful += is_doubtful(result.confidence, min_confidence)
            else:
                failed += 1
                error = result.reason
                log(str(result))
            if output:
                rows.append({"filename": str(path), **row(result, min_confidence), "error": error})
    finally:  # After an interruption, too.
        if output and rows:
            write_table(output, rows)
    if failed and len(paths) > 1:
        log(f"{failed} of {len(paths)} images could not be read.")
    if doubtful and len(paths) > 1:
        log(f"{doubtful} of {len(paths)} images are doubtful.")
    return 2 if failed else 0

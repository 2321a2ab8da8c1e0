"""The `--predict_on_test` and `--predict` jobs."""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from base.base_predictor import Prediction
from data_generators.dataset import open_dataset, read_dataset_labels
from data_generators.image_store import ordered_map
from models.description import model_folder
from predictors.runtime import load_predictor
from preprocessing.word_image import UnusableImage, is_binarised
from utils import evaluation
from utils.config_data import Image
from utils.config_schema import Config
from utils.errors import UserError
from utils.files import check_writable, write_csv, write_json
from utils.log import log, progress_bar
from utils.text import harmless

# What of a row a CSV table has no place for.
LISTS = ("character_confidences", "alternatives")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm")


def predict_on_test(config: Config, output: str | None = None, report: str | None = None) -> int:
    """Reads the test words and prints scores, CER and WER last; returns the exit code.

    Args:
        output: .json or .csv file for the predictions.
        report: folder for the evaluation report.
    """
    if output:
        check_writable(output)
    if report:
        from predictors.report.run import prepare_folder

        prepare_folder(Path(report))
    predictor = load_predictor(model_folder(config), config.predict)
    words = read_dataset_labels(config).splits["test"]
    # The images must have the model's geometry, whatever the config says.
    dataset = open_dataset(config.model_copy(update={"image": predictor.anatomy.image}), words, "test")
    predictions = predictor.predict_dataset(dataset, progress=True)
    texts, labels = [p.text for p in predictions], [word.label for word in dataset.words]
    # Before the table: should the disk be full, the scores are not lost.
    filenames, writers = zip(*((word.filename, word.writer) for word in dataset.words))
    kinds = _image_kinds(Path(config.images_folder), filenames, predictor.anatomy.image)
    print("\n".join(evaluation.report(labels, texts, writers, kinds)), flush=True)
    if output:
        rows = (
            {"filename": word.filename, "label": word.label, **_row(prediction)}
            for word, prediction in zip(dataset.words, predictions)
        )
        _write_table(output, rows)
    if report:
        from predictors.report.run import report_on

        page = report_on(config, Path(report), model_folder(config), dataset, predictions)
        log(f"The report is in {page}.")
    return 0


def predict(config: Config, patterns: list[str], output: str | None = None) -> int:
    """Reads image files and prints their text; returns the exit code, 2 if one was unusable."""
    paths = find_images(patterns)
    if output:
        check_writable(output)
    predictor = load_predictor(model_folder(config), config.predict)
    rows, failed = [], 0
    results = predictor.read_files(paths)
    for path, result in progress_bar(
        results, desc="Reading", total=len(paths), unit="word", disable=len(paths) < 100, leave=False
    ):
        if isinstance(result, Prediction):
            rows.append({"filename": str(path), **_row(result), "error": ""})
            _print_text(path, result, single=len(paths) == 1)
        else:
            failed += 1
            log(str(result))
            empty = {"text": "", "confidence": None, "character_confidences": []}
            rows.append({"filename": str(path), **empty, "error": result.reason})
    if output:
        _write_table(output, rows)
    return 2 if failed else 0


def find_images(patterns: Iterable[str]) -> list[Path]:
    """Files, all images in folders, and what globs match, each once, in the given order.

    Raises:
        UserError: a pattern matches nothing.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern)
        # Not Path's own tests: those raise on names that no file can have.
        if os.path.isdir(path):
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_ENDINGS)
        elif os.path.exists(path):
            found = [path]
        else:
            found = sorted(Path(name) for name in glob.glob(pattern, recursive=True) if Path(name).is_file())
        if not found:
            raise UserError(
                f"--filename {pattern} names no image file; give a file, a folder with images or a glob."
            )
        paths.update(dict.fromkeys(found))
    return list(paths)


def _print_text(path: Path, prediction: Prediction, single: bool) -> None:
    if single:
        print(f"Predicted label: {harmless(prediction.text)}")
    else:
        fields = harmless(str(path)), harmless(prediction.text), f"{prediction.confidence:.4f}"
        print("\t".join(fields), flush=True)


def _image_kinds(folder: Path, filenames: Sequence[str], image: Image) -> list[str | None]:
    """One of evaluation.IMAGE_KINDS for each file; None for one that has gone since the cache was made."""

    def kind(filename: str) -> str | None:
        try:
            return evaluation.IMAGE_KINDS[is_binarised(folder / filename, image)]
        except UnusableImage:
            return None

    return list(ordered_map(kind, filenames, threads=2, ahead=64))


def _row(prediction: Prediction) -> dict[str, Any]:
    row = {
        "text": prediction.text,
        "confidence": round(prediction.confidence, 6),
        "character_confidences": [round(p, 6) for p in prediction.character_confidences],
    }
    if prediction.alternatives:
        row["alternatives"] = [
            {"text": text, "confidence": round(confidence, 6)} for text, confidence in prediction.alternatives
        ]
    return row


def _write_table(output: str, rows: Iterable[dict[str, Any]]) -> None:
    """Writes rows as .json or .csv, by the file's ending; lists go into JSON only."""
    rows = list(rows)
    if output.lower().endswith(".json"):
        write_json(output, rows)
        return
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in LISTS))
    write_csv(output, columns or ["filename"], [{c: row.get(c) for c in columns} for row in rows])

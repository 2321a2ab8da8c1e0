"""The `--predict_on_test` and `--predict` jobs."""

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from base.base_predictor import Prediction
from data_generators.dataset import open_dataset, read_dataset_labels
from data_generators.image_store import ordered_map
from models.artifact import artifact_folder, trained_folder
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.word_image import UnusableImage, is_binarised
from utils.config_data import Image
from utils.config_schema import Config
from utils.errors import UserError
from utils.evaluation import IMAGE_KINDS, report
from utils.files import write_csv, write_json
from utils.log import log

# What of a row a CSV table has no place for.
LISTS = ("character_confidences", "alternatives")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm")


def predict_on_test(config: Config, output: str | None = None) -> int:
    """Reads the test words and prints scores, CER and WER last; returns the exit code."""
    predictor = _load(config)
    words = read_dataset_labels(config).splits["test"]
    # The images must have the model's geometry, whatever the config says.
    dataset = open_dataset(config.model_copy(update={"image": predictor.network.image}), words, "test")
    predictions = predictor.predict_dataset(dataset, progress=True)
    texts, labels = [p.text for p in predictions], [word.label for word in dataset.words]
    if output:
        rows = (
            {"filename": word.filename, "label": word.label, **_row(prediction)}
            for word, prediction in zip(dataset.words, predictions)
        )
        _write_table(output, rows)
    kinds = _image_kinds(
        Path(config.images_folder), [word.filename for word in dataset.words], predictor.network.image
    )
    print("\n".join(report(labels, texts, [word.writer for word in dataset.words], kinds)))
    return 0


def predict(config: Config, patterns: list[str], output: str | None = None) -> int:
    """Reads image files and prints their text; returns the exit code, 2 if one was unusable."""
    paths = find_images(patterns)
    predictor = _load(config)
    rows, failed = [], 0
    results = predictor.read_files(paths)
    for path, result in tqdm(
        results, "Reading", len(paths), unit="word", disable=len(paths) < 100, leave=False
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
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_ENDINGS)
        elif path.exists():
            found = [path]
        else:
            found = sorted(Path(name) for name in glob.glob(pattern, recursive=True) if Path(name).is_file())
        if not found:
            raise UserError(
                f"--filename {pattern} names no image file; give a file, a folder with images or a glob."
            )
        paths.update(dict.fromkeys(found))
    return list(paths)


def _load(config: Config) -> PredictorSeq2Seq:
    """The model this experiment has trained, else the one that predict.weights_file names."""
    named = config.predict.weights_file
    own = trained_folder(config)
    folder = own if own.exists() or not named else artifact_folder(named)
    if not folder.exists():
        raise UserError(
            f"There is no trained model: neither {own} nor predict.weights_file ({named}) exists; "
            "train one with --train, or set predict.weights_file to a model folder."
        )
    log(f"Using the model in {folder}.")
    return PredictorSeq2Seq.from_folder(folder, config.predict)


def _print_text(path: Path, prediction: Prediction, single: bool) -> None:
    if single:
        print(f"Predicted label: {prediction.text}")
    else:
        print(f"{path}\t{prediction.text}\t{prediction.confidence:.4f}", flush=True)


def _image_kinds(folder: Path, filenames: list[str], image: Image) -> list[str | None]:
    """One of IMAGE_KINDS for each file; None for one that has gone since the cache was made."""

    def kind(filename: str) -> str | None:
        try:
            return IMAGE_KINDS[is_binarised(folder / filename, image)]
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

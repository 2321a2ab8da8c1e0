"""The `--predict_on_test` and `--predict` jobs."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from base.base_predictor import Prediction
from data_generators.dataset import open_dataset, read_dataset_labels
from models.description import model_folder
from predictors.runtime import load_predictor
from utils.config_schema import Config
from utils.errors import UserError
from utils.files import check_writable, write_csv, write_json
from utils.log import log, progress_bar
from utils.score_prediction import score_prediction, writer_bootstrap
from utils.text import harmless

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm")


def predict_on_test(config: Config, output: str | None = None) -> int:
    """Reads the test words and prints scores, CER and WER last; returns the exit code."""
    if output:
        check_writable(output)
    predictor = load_predictor(model_folder(config), config.predict)
    words = read_dataset_labels(config).splits["test"]
    # The images must have the model's geometry, whatever the config says.
    dataset = open_dataset(config.model_copy(update={"image": predictor.anatomy.image}), words, "test")
    predictions = predictor.predict_dataset(dataset, progress=True)
    texts, labels = [p.text for p in predictions], [word.label for word in dataset.words]
    # Before the table: should the disk be full, the scores are not lost.
    _print_scores(labels, texts, [word.writer for word in dataset.words])
    if output:
        rows = (
            {"filename": word.filename, "label": word.label, **_row(prediction)}
            for word, prediction in zip(dataset.words, predictions)
        )
        _write_table(output, rows)
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
            rows.append({"filename": str(path), "text": "", "confidence": None, "error": result.reason})
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


def _print_scores(labels: list[str], texts: list[str], writers: list[str | None]) -> None:
    scores = score_prediction(labels, texts)
    print(f"n:    {scores.n} words")
    print(f"case-insensitive:     CER {scores.cer_caseless:.2%}  WER {scores.wer_caseless:.2%}")
    print(f"without punctuation:  CER {scores.cer_no_punctuation:.2%}  WER {scores.wer_no_punctuation:.2%}")
    print(f"CER, mean over words (the seed project's): {scores.mean_word_cer:.2%}")
    known = [writer for writer in writers if writer]
    if len(known) == len(writers) and len(set(known)) > 1:
        interval = writer_bootstrap(labels, texts, known)
        print(
            f"95 % interval over {len(set(known))} writers: "
            f"CER {_interval(interval['cer'])}  WER {_interval(interval['wer'])}"
        )
    print(f"CER: {100 * scores.cer:5.2f} %")
    print(f"WER: {100 * scores.wer:5.2f} %")


def _interval(bounds: tuple[float, float]) -> str:
    return f"{100 * bounds[0]:.2f} to {100 * bounds[1]:.2f} %"


def _row(prediction: Prediction) -> dict[str, Any]:
    return {"text": prediction.text, "confidence": round(prediction.confidence, 6)}


def _write_table(output: str, rows: Iterable[dict[str, Any]]) -> None:
    """Writes rows as .json or .csv, by the file's ending."""
    rows = list(rows)
    if output.lower().endswith(".json"):
        write_json(output, rows)
        return
    write_csv(output, list(rows[0]) if rows else ["filename"], rows)

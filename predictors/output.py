"""Writes predictions to stdout and tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from base.base_predictor import Prediction, is_doubtful
from preprocessing.image_file import UnusableImage
from utils.escaping import escape_control
from utils.files import output_kind, write_csv, write_json
from utils.log import print_result

DOUBTFUL = "doubtful"


def print_prediction(path: Path, prediction: Prediction, min_confidence: float | None, single: bool) -> None:
    """Prints one line of fields separated by tabs; the last one marks a doubtful word."""
    if single:
        fields = [f"Predicted label: {escape_control(prediction.text)}"]
    else:
        fields = [escape_control(str(path)), escape_control(prediction.text), f"{prediction.confidence:.4f}"]
    if is_doubtful(prediction.confidence, min_confidence):
        fields.append(DOUBTFUL)
    print_result("\t".join(fields))


def row(result: Prediction | UnusableImage, min_confidence: float | None) -> dict[str, Any]:
    """Returns a prediction, or an unusable image, as a row of a table."""
    marked = min_confidence is not None
    if isinstance(result, UnusableImage):
        empty = {"text": "", "confidence": None, **({DOUBTFUL: None} if marked else {})}
        return {**empty, "character_confidences": []}
    values: dict[str, Any] = {"text": result.text, "confidence": round(result.confidence, 6)}
    if marked:
        values[DOUBTFUL] = is_doubtful(result.confidence, min_confidence)
    values["character_confidences"] = [round(p, 6) for p in result.character_confidences]
    if result.alternatives:
        values["alternatives"] = [{"text": text, "confidence": round(p, 6)} for text, p in result.alternatives]
    return values


def write_table(output: str, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows as .json or .csv, by the file's extension.

    In CSV the confidences of characters are one field, separated by spaces, and further readings are columns of their
    own: text_2, confidence_2, ...
    """
    if output_kind(output) == ".json":
        write_json(output, rows)
        return
    flat = [_flat(values) for values in rows]
    # The word with the most readings has the most columns.
    columns = list(dict.fromkeys(name for values in sorted(flat, key=len, reverse=True) for name in values))
    write_csv(output, columns or ["filename"], flat)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Returns a row without lists, and with true and false as in JSON."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name == "character_confidences":
            flat[name] = " ".join(map(str, value))
        elif name == "alternatives":
            for number, reading in enumerate(value[1:], start=2):
                flat |= {f"{column}_{number}": entry for column, entry in reading.items()}
        else:
            flat[name] = str(value).lower() if isinstance(value, bool) else value
    return flat

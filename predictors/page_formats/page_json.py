"""JSON: an object for each page, with its lines and words."""

from collections.abc import Sequence
from typing import Any

from base.base_predictor import is_doubtful
from predictors.output import DOUBTFUL
from preprocessing.page.layout import Line, Page


def to_json(pages: Sequence[Page], min_confidence: float | None = None) -> list[dict[str, Any]]:
    """Returns pages as JSON values; with `min_confidence` lines and words have `doubtful`, true below it."""
    return [
        {
            "filename": page.filename,
            "page": page.number,
            "text": "\n".join(line.text for line in page.lines),
            "width": page.width,
            "height": page.height,
            "lines": [_line(line, min_confidence) for line in page.lines],
        }
        for page in pages
    ]


def _line(line: Line, min_confidence: float | None) -> dict[str, Any]:
    words = [{**_text(word.text, word.confidence, min_confidence), "box": word.box} for word in line.words]
    shape = {"polygon": line.polygon, "baseline": line.baseline}
    return {**_text(line.text, line.confidence, min_confidence), **shape, "words": words}


def _text(text: str, confidence: float | None, min_confidence: float | None) -> dict[str, Any]:
    values: dict[str, Any] = {"text": text, "confidence": None if confidence is None else round(confidence, 6)}
    if min_confidence is not None:
        values[DOUBTFUL] = is_doubtful(confidence, min_confidence)
    return values

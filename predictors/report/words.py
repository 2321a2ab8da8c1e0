"""The words of the gallery, as compact JSON values."""

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from base.base_predictor import Prediction
from data_generators.dataset import Dataset
from metrics.alignment import Pair, diff
from models.model_seq2seq import ModelSeq2Seq
from predictors.report.attention import read_attention

MOST_WORDS = 5000
WRONG_SHARE = 0.8  # of the gallery, when not all words fit
MOST_HEIGHT = 64  # pixels of a shown image


def choose_words(errors: Sequence[int], confidences: Sequence[float], most: int = MOST_WORDS) -> list[int]:
    """Returns the positions of the words to show, worst first.

    Many errors come before few, and among equals the surest error and the least sure hit come first.
    Of more than `most` words, the worst fill at most four fifths; words read right, spread over the
    whole set, fill the rest.
    """
    order = sorted(
        range(len(errors)), key=lambda i: (-errors[i], -confidences[i] if errors[i] else confidences[i], i)
    )
    if len(order) <= most:
        return order
    wrong = [i for i in order if errors[i]]
    right = order[len(wrong) :]
    wrong = wrong[: max(round(WRONG_SHARE * most), most - len(right))]
    if not right:
        return wrong
    places = np.linspace(0, len(right) - 1, most - len(wrong)).round().astype(int)
    return wrong + [right[place] for place in places]


def gallery(
    model: ModelSeq2Seq,
    dataset: Dataset,
    predictions: Sequence[Prediction],
    alignments: Sequence[list[Pair]],
    chosen: Sequence[int],
    batch_size: int,
) -> list[dict[str, Any]]:
    """One JSON object per chosen word; `page.js` names the same keys.

    name, truth, text, writer; confidence and characters (probabilities); errors and diff;
    image (PNG, base64) and width of the network's image in pixels; attention (base64 of uint8, one row of
    `columns` values per character and one for the end, 255 = all of the weight) and columns.
    """
    entries = []
    for position in chosen:
        word, prediction = dataset.words[position], predictions[position]
        image = dataset.image(position)
        entries.append(
            {
                "name": word.filename,
                "truth": word.label,
                "text": prediction.text,
                "writer": word.writer or "",
                "confidence": round(prediction.confidence, 4),
                "characters": [round(p, 3) for p in prediction.character_confidences],
                "errors": sum(of_label != of_text for of_label, of_text in alignments[position]),
                "diff": diff(alignments[position]),
                "image": _png(image),
                "width": image.shape[1],
            }
        )
    texts = [predictions[position].text for position in chosen]
    widths = dataset.widths[chosen].tolist()
    shown = read_attention(model, lambda i: dataset.image(chosen[i]), widths, texts, batch_size)
    for index, weights in shown:
        levels = np.rint(255 * weights).astype(np.uint8)
        entries[index]["attention"] = base64.b64encode(levels.tobytes()).decode()
        entries[index]["columns"] = levels.shape[1]
    return entries


def _png(image: np.ndarray) -> str:
    """base64 of a PNG of at most MOST_HEIGHT pixels height."""
    if image.shape[0] > MOST_HEIGHT:
        width = max(1, round(image.shape[1] * MOST_HEIGHT / image.shape[0]))
        image = cv2.resize(image, (width, MOST_HEIGHT), interpolation=cv2.INTER_AREA)
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()

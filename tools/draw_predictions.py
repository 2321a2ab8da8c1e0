"""Draws words with the texts that were read in them: green if right, red with the label if wrong.

python main.py --predict_on_test --output predictions.json
python -m tools.draw_predictions --predictions predictions.json --output sheet.png \\
    --images datasets/synthetic/words
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from metrics.plots import save_png
from metrics.word_pictures import draw_words
from preprocessing.image_file import configure_process, decode
from utils.cli import number, run_command
from utils.config.image import ImageConfig
from utils.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Draw words with their predictions.")
    parser.add_argument("--predictions", required=True, help="the .json file that main.py --output wrote")
    parser.add_argument("--images", default=".", help="folder to which its file names are relative")
    parser.add_argument("--output", required=True, help="PNG file to write")
    parser.add_argument("--words", type=number(int, 1), default=24, help="number of words, drawn at random")
    parser.add_argument("--seed", type=number(int, 0), default=1, help="seed of the choice")
    options = parser.parse_args(arguments)
    return run_command(lambda: _draw(options))


def _draw(options: argparse.Namespace) -> int:
    configure_process()
    rows = [row for row in _read(Path(options.predictions)) if not row.get("error")]
    if not rows:
        raise UserError(f"{options.predictions} holds only files that could not be read.")
    chosen = np.random.default_rng(options.seed).permutation(len(rows))[: options.words]
    shown = [rows[i] for i in sorted(chosen)]
    images = [decode(Path(options.images, row["filename"]), ImageConfig()) for row in shown]
    labels = [row.get("label") for row in shown]
    save_png(options.output, draw_words(images, [row["text"] for row in shown], labels))
    return 0


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"Predictions {path} can't be read: {error}.") from None
    if not (isinstance(rows, list) and rows and all(map(_is_prediction, rows))):
        raise UserError(f"{path} holds no predictions; write it with main.py --output {path.name}.")
    return rows


def _is_prediction(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and {"filename", "text"} <= set(row)
        and all(isinstance(row.get(name, ""), str) for name in ("filename", "text", "label"))
    )


if __name__ == "__main__":
    sys.exit(main())

"""A picture of words with what was read in them.

python main.py --predict_on_test --output predictions.json
python -m tools.draw_predictions --predictions predictions.json --output sheet.png \\
    --images datasets/synthetic/words
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from preprocessing.word_image import decode
from utils.cli import run_command
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.escaping import one_line
from utils.files import atomic_write

CELL_WIDTH, IMAGE_HEIGHT, TEXT_HEIGHT, MARGIN = 250, 72, 30, 10
GREY = ImageConfig()
RIGHT, WRONG, INK = "#1a7f37", "#cf222e", "#1f2328"


def draw_predictions(rows: list[dict[str, Any]], images: Path, columns: int = 4) -> Image.Image:
    """Draws each word's image above its prediction: green if right, red with the truth if wrong.

    Args:
        rows: dictionaries with filename and text, and label where the truth is known.
        images: folder that the file names start from.
    """
    pictures = [_open(images / row["filename"]) for row in rows]
    return draw_words(pictures, [row["text"] for row in rows], [row.get("label") for row in rows], columns)


def draw_words(
    pictures: Sequence[Image.Image], texts: Sequence[str], labels: Sequence[str | None], columns: int = 4
) -> Image.Image:
    """Draws word images above what is read in them, with the truth beside what is wrong.

    Args:
        labels: the truth; None where it isn't known.
    """
    cell_height = IMAGE_HEIGHT + TEXT_HEIGHT + 2 * MARGIN
    sheet = Image.new("RGB", (columns * CELL_WIDTH, -(-len(texts) // columns) * cell_height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for index, (original, text, label) in enumerate(zip(pictures, texts, labels, strict=True)):
        left, top = index % columns * CELL_WIDTH + MARGIN, index // columns * cell_height + MARGIN
        picture = original.copy()
        picture.thumbnail((CELL_WIDTH - 2 * MARGIN, IMAGE_HEIGHT))
        sheet.paste(picture, (left, top + (IMAGE_HEIGHT - picture.height) // 2))
        right = label is None or label == text
        shown = one_line(text if right else f"{text}  (is {label})")
        color = INK if label is None else RIGHT if right else WRONG
        draw.text((left, top + IMAGE_HEIGHT + 4), shown, fill=color, font=font)
    return sheet


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Draw words with their predictions.")
    parser.add_argument("--predictions", required=True, help="the .json file that main.py --output wrote")
    parser.add_argument("--images", default=".", help="folder that its file names start from")
    parser.add_argument("--output", required=True, help="PNG file to write")
    parser.add_argument("--words", type=int, default=24, help="number of words, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="seed of the choice")
    options = parser.parse_args(arguments)
    return run_command(lambda: _draw(options))


def _draw(options: argparse.Namespace) -> int:
    rows = _read(Path(options.predictions))
    chosen = np.random.default_rng(options.seed).permutation(len(rows))[: options.words]
    sheet = draw_predictions([rows[i] for i in sorted(chosen)], Path(options.images))
    with atomic_write(Path(options.output)) as temporary:
        sheet.save(temporary, "PNG", optimize=True)
    return 0


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"Predictions {path} can't be read: {error}.") from None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict)
        and {"filename", "text"} <= set(row)
        and all(isinstance(row.get(name, ""), str) for name in ("filename", "text", "label"))
        for row in rows
    ):
        raise UserError(f"{path} holds no predictions; write it with main.py --output {path.name}.")
    return rows


def _open(path: Path) -> Image.Image:
    return Image.fromarray(decode(path, GREY))


if __name__ == "__main__":
    sys.exit(main())

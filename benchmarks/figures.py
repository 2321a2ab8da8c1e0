"""Draws every picture of README from the shipped weights and the logs: `make figures`.

Pictured are words rendered from the bundled fonts and those of test_images only, never others' data.
What has no log yet is left as it is, and said.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measurements import Row
from benchmarks.process import REPOSITORY
from benchmarks.report import draw
from data_generators.data_augmentation import augment
from data_generators.synthetic import WORDS_PER_FORM, fonts_of, render_word, sample
from preprocessing.word_image import read_word_image, word_image_of_array
from tools.draw_predictions import draw_words
from utils.config.load import load_config
from utils.draw_attention import draw_attention, side_by_side
from utils.errors import UserError
from utils.files import atomic_write
from utils.log import log

RENDERED_MODEL, HANDWRITING_MODEL = "snapshots/synthetic", "snapshots/iam"
ATTENTION_WORDS = ("look", "turning", "office")
COLOURS = 96  # enough for ink, paper and one tint, and a third of the file
SEED = 4
AUGMENTED_FONT = 3


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.figures", description="Draws README's pictures."
    )
    parser.add_argument("--output", default=str(REPOSITORY / "docs"), help="folder of the pictures")
    folder = Path(parser.parse_args(arguments).output)
    figures = {
        "predictions.png": partial(predictions, RENDERED_MODEL),
        "attention.png": partial(attention, HANDWRITING_MODEL),
        "augmentation.png": augmentation,
        "synthetic.png": synthetic,
        "accents.png": partial(synthetic, text="accented"),
        "benchmarks.png": benchmarks,
    }
    try:
        for name, figure in figures.items():
            if picture := figure():
                save(picture, folder / name)
        for name, rows in histories():
            _draw_history(folder / f"history-{name}.png", rows)
            print(folder / f"history-{name}.png")
    except UserError as error:
        log(str(error))
        return 2
    return 0


def predictions(model: str, number: int = 24) -> Image.Image:
    """Words of the fonts kept for testing, with what a shipped model reads."""
    from predictors import load

    reader = load(REPOSITORY / model)
    words = [sample(SEED, "test", form * WORDS_PER_FORM + form % 8, 0.0) for form in range(number)]
    read = reader.read([image for image, _, _ in words])
    pictures = [Image.fromarray(image) for image, _, _ in words]
    return draw_words(pictures, [prediction.text for prediction in read], [label for _, label, _ in words])


def attention(model: str) -> Image.Image:
    """Where a shipped model looks while it reads some of test_images."""
    from predictors import load
    from predictors.report.attention import attention_of

    predictor = load(REPOSITORY / model, runtime="keras").predictor
    files = [REPOSITORY / "test_images" / f"{name}.png" for name in ATTENTION_WORDS]
    images = [read_word_image(file, predictor.spec.image) for file in files]
    texts = [prediction.text for prediction in predictor.predict_batch(images)]
    found = zip(images, texts, attention_of(predictor.model, images, texts))
    stride = predictor.spec.column_stride
    pictures = [draw_attention(image, text, rows, stride) for image, text, rows in found if rows is not None]
    return side_by_side(pictures)


def augmentation(columns: int = 5, rows: int = 4) -> Image.Image:
    """A word as it is (first) and as training on IAM distorts it."""
    config = load_config(REPOSITORY / "configs" / "iam.yml")
    rng = np.random.default_rng(SEED)
    word = render_word("distorted", fonts_of("train")[AUGMENTED_FONT], rng)
    original = word_image_of_array(word, config.for_training_words.image)
    widest = round(1.5 * original.shape[1])
    distorted = (augment(original, config.data_aug, rng, widest) for _ in range(columns * rows - 1))
    return _sheet([Image.fromarray(image) for image in (original, *distorted)], columns, (widest, 60))


def synthetic(columns: int = 6, rows: int = 8, text: str = "english") -> Image.Image:
    """Rendered words, each of another form and so mostly of another font."""
    words = [sample(SEED, "train", i * WORDS_PER_FORM + i % 8, 0.0, text)[0] for i in range(columns * rows)]
    return _sheet([Image.fromarray(word) for word in words], columns, (150, 64))


def benchmarks() -> Image.Image | None:
    """The figures of the last `make bench`, if there are any."""
    results = REPOSITORY / "benchmarks" / "results.json"
    if not results.exists():
        log(f"{results.relative_to(REPOSITORY)} is missing (make bench): no benchmark plot.")
        return None
    about = json.loads(results.read_text(encoding="utf-8"))
    rows = [Row(**{k: v for k, v in row.items() if k != "value"}) for row in about.pop("figures")]
    return draw(rows, about)


def histories() -> Iterator[tuple[str, list[dict[str, float]]]]:
    """The training logs that come with shipped models, and that of the default config, by name."""
    files = {path.parent.name: path for path in sorted((REPOSITORY / "snapshots").glob("*/history.csv"))}
    files["default"] = REPOSITORY / "experiments" / "default" / "history.csv"
    for name, path in files.items():
        if not path.exists():
            log(f"{path.relative_to(REPOSITORY)} is missing (make train): no learning curve of it.")
            continue
        with open(path, encoding="utf-8") as file:
            yield name, [{key: float(v) for key, v in row.items() if v} for row in csv.DictReader(file)]


def save(picture: Image.Image, path: Path) -> None:
    """Writes a PNG of few colours, atomically, and says so."""
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    with atomic_write(path) as temporary:
        few.save(temporary, "PNG", optimize=True)
    print(path)


def _draw_history(path: Path, rows: list[dict[str, float]]) -> None:
    from callbacks.history import draw_history  # with Keras, which takes its time

    draw_history(path, rows)


def _sheet(pictures: list[Image.Image], columns: int, cell: tuple[int, int], margin: int = 8) -> Image.Image:
    """Pictures in a grid, shrunk where they are larger than a cell (width, height)."""
    width, height = cell[0] + margin, cell[1] + margin
    sheet = Image.new(
        "RGB", (columns * width + margin, -(-len(pictures) // columns) * height + margin), "white"
    )
    for index, picture in enumerate(pictures):
        picture.thumbnail(cell)
        left, top = index % columns * width + margin, index // columns * height + margin
        sheet.paste(picture, (left, top + (cell[1] - picture.height) // 2))
    return sheet


if __name__ == "__main__":
    sys.exit(main())

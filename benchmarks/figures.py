"""Draws the pictures of README and docs from the shipped weights and the logs, but for the browser's: `make figures`.

The words are rendered from the bundled fonts or those of test_images, never from others' data.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.page_figure import page_figure
from benchmarks.report import Row, draw
from data_generators.damage import KINDS
from data_generators.synthetic.sample import WORDS_PER_FORM, sample
from metrics.history import read_history
from metrics.plots import as_image, make_figure
from metrics.word_pictures import draw_attention, draw_words
from preprocessing.word_image import read_word_image, to_network_geometry
from utils.cli import run_command
from utils.config.load import load_config
from utils.config.synthetic import SyntheticConfig
from utils.files import atomic_write
from utils.log import log
from utils.paths import ROOT

RENDERED_MODEL, HANDWRITING_MODEL = "snapshots/open", "snapshots/iam"
ATTENTION_WORDS = ("look", "turning", "office")
COLOURS = 96  # enough for ink, paper and one tint, and a third of the file
SEED = 4
IN_DICTIONARY = SyntheticConfig(seed=SEED, beyond_dictionary=0.0)
# The kinds of damage that are shown.
DAMAGES = (
    *("paper", "ruled", "box", "colour", "shadow", "light"),
    *("inverted", "turned", "small", "texture", "blur", "large"),
)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description="Draws the pictures of the docs.")
    parser.add_argument("--output", default=str(ROOT / "docs"), help="folder of the pictures")
    folder = Path(parser.parse_args(arguments).output)
    return run_command(lambda: _draw_all(folder))


def _draw_all(folder: Path) -> int:
    # These import Keras.
    from callbacks.history import draw_history

    figures: dict[str, Callable[[], Image.Image]] = {
        "predictions": partial(predictions, RENDERED_MODEL),
        "attention": partial(attention, HANDWRITING_MODEL),
        "normaliser": normaliser,
        "page": partial(page_figure, HANDWRITING_MODEL),
        "accents": accents,
    }
    results = ROOT / "benchmarks" / "results.json"
    if results.exists():
        figures["benchmarks"] = partial(benchmarks, results)
    else:
        log("benchmarks/results.json is missing (make bench): no picture of it.")
    for name, figure in figures.items():
        save(figure(), folder / f"{name}.png")
    for path in sorted((ROOT / "snapshots").glob("*/history.csv")):
        draw_history(folder / f"history-{path.parent.name}.png", read_history(path))
    return 0


def predictions(model: str, number: int = 24) -> Image.Image:
    """Words of the fonts kept for testing, with the texts that a shipped model reads."""
    from predictors import load

    words = [sample(IN_DICTIONARY, "test", form * WORDS_PER_FORM + form % 8) for form in range(number)]
    images = [image for image, _, _ in words]
    texts = [prediction.text for prediction in load(ROOT / model).read(images)]
    return as_image(draw_words(images, texts, [label for _, label, _ in words]))


def attention(model: str) -> Image.Image:
    """Returns the attention of a shipped model while it reads some of test_images."""
    from predictors import load
    from predictors.report.attention import read_attention

    predictor = load(ROOT / model, runtime="keras").predictor
    files = [ROOT / "test_images" / f"{name}.png" for name in ATTENTION_WORDS]
    images = [read_word_image(file, predictor.spec.image) for file in files]
    texts = [prediction.text for prediction in predictor.predict_batch(images)]
    widths = [image.shape[1] for image in images]
    found = read_attention(predictor.model, images.__getitem__, widths, texts, len(images))
    words = [(images[i], texts[i], weights) for i, weights in sorted(found, key=lambda pair: pair[0])]
    return as_image(draw_attention(words, predictor.spec.column_stride))


def normaliser(number: int = 6) -> Image.Image:
    """Returns rendered words as cameras and paper damage them, and below each what the network sees of it."""
    image, rng = load_config(ROOT / "configs" / "iam.yml").image, np.random.default_rng(SEED)
    before = []
    for index, kind in enumerate(DAMAGES):
        word = sample(IN_DICTIONARY, "test", index * WORDS_PER_FORM + 3)[0]
        before.append(KINDS[kind](word, 0.8, rng))
    after = [to_network_geometry(picture, image) for picture in before]
    figure, axes = make_figure(2 * (len(DAMAGES) // number), number, size=(1.9, 1.1))
    for index, kind in enumerate(DAMAGES):
        row, column = divmod(index, number)
        for shown, title, place in ((before[index], kind, 2 * row), (after[index], "", 2 * row + 1)):
            part = axes[place * number + column]
            part.imshow(shown, cmap="gray", vmin=0, vmax=255)
            part.set_title(title, fontsize="small")
            part.set_axis_off()
    return as_image(figure)


def accents(columns: int = 6, rows: int = 8) -> Image.Image:
    """Returns rendered words with accents, each of another form and so mostly of another font."""
    accented = SyntheticConfig(seed=SEED, text="accented", beyond_dictionary=0.0)
    words = [sample(accented, "train", i * WORDS_PER_FORM + i % 8)[0] for i in range(columns * rows)]
    return _sheet(words, columns, (150, 64))


def benchmarks(results: Path) -> Image.Image:
    """Returns the figures of a results.json."""
    about = json.loads(results.read_text(encoding="utf-8"))
    known = {field.name for field in fields(Row)}
    rows = [Row(**{name: row[name] for name in known}) for row in about["figures"]]
    return as_image(draw(rows, about))


def save(picture: Image.Image, path: Path) -> None:
    """Writes a PNG of few colours, atomically, and prints its path."""
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    with atomic_write(path) as temporary:
        few.save(temporary, "PNG", optimize=True)
    print(path)


def _sheet(images: list[np.ndarray], columns: int, cell: tuple[int, int]) -> Image.Image:
    nothing = [""] * len(images)
    return as_image(draw_words(images, nothing, nothing, columns, cell))


if __name__ == "__main__":
    sys.exit(main())

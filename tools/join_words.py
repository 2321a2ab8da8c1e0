"""Joins IAM's word images into lines, each word at its place on the form, and writes a dataset of line images.

Example: python -m tools.join_words datasets/iam/words.txt --images datasets/iam/words --labels datasets/iam/labels.json
    --output datasets/lines/iam
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from preprocessing.image_file import UnusableImage, configure_process, decode
from preprocessing.importers.iam import PlacedWord, files_by_id, form_of, read_places
from preprocessing.ink import PAPER, whiten
from preprocessing.labels import Word, read_labels
from tools.dataset_writer import DatasetWriter
from utils.cli import add_max_pixels, run_command
from utils.config.image import ImageConfig, NormaliserConfig
from utils.errors import UserError
from utils.log import progress_bar

MOST_RISE = 4  # highest words between whose tops a line may rise
GAP = 200  # pixels between words above which a box is wrong: no line has such a gap


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description="Joins IAM's words into lines.")
    add = parser.add_argument
    add("words", type=Path, help="IAM's words.txt, with the positions of the words")
    add("--images", type=Path, required=True, help="folder of the word images, in IAM's layout")
    add("--labels", type=Path, required=True, help="labels.json of the words: a line goes to the split of its form")
    add("--output", type=Path, required=True, help="folder of the dataset: lines/ and labels.json")
    add_max_pixels(parser)
    options = parser.parse_args(arguments)
    # Files of all modes become grey: lines are joined on white paper.
    image = ImageConfig(max_pixels=options.max_pixels, normaliser=NormaliserConfig(channel=False))
    return run_command(lambda: _join_all(options.words, options.images, options.labels, image, options.output))


def _join_all(words: Path, images: Path, labels: Path, image: ImageConfig, output: Path) -> int:
    configure_process()
    dataset = DatasetWriter(output, "lines")
    forms = _read_forms(labels)
    files = files_by_id(images)
    lines: dict[str, list[PlacedWord]] = defaultdict(list)
    for word in read_places(words):
        if form_of(word.word_id) in forms:
            lines[word.word_id.rpartition("-")[0]].append(word)
    for name, placed in progress_bar(lines.items(), desc="Joining lines", total=len(lines), unit="line"):
        try:
            located = [replace(word, filename=files.get(word.word_id, word.filename)) for word in placed]
            picture = join(located, images, image)
        except UnusableImage as error:
            dataset.left_out[error.reason] += 1
            continue
        if picture is None:
            dataset.left_out["words at odd places"] += 1
            continue
        split, writer = forms[form_of(name)]
        dataset.add(split, Word(f"{name}.png", " ".join(word.text for word in placed), writer), picture)
    dataset.finish("lines", f"No line could be joined of the words in {images}; check --images and --labels.")
    return 0


def _read_forms(labels: Path) -> dict[str, tuple[str, str | None]]:
    """Returns split and writer of each form; raises UserError if words of one form are in several splits."""
    forms: dict[str, tuple[str, str | None]] = {}
    for split, labelled in read_labels(labels).splits.items():
        for word in labelled:
            form = form_of(Path(word.filename).stem)
            other, _ = forms.setdefault(form, (split, word.writer))
            if other != split:
                raise UserError(
                    f"{labels} has words of form {form} in {other} and in {split}, but a line is in the split of its "
                    "form; make it with tools.create_labels --split forms or --split writer."
                )
    return forms


def join(words: list[PlacedWord], images: Path, image: ImageConfig) -> np.ndarray | None:
    """Returns the picture of a line, uint8 (h, w), from the images of its words; None if their boxes fit no line.

    The paper of each word is made white. Raises UnusableImage if one of them can't be read.
    """
    boxes = np.array([word.box for word in words])
    starts, ends = boxes[:, 0], boxes[:, 0] + boxes[:, 2]
    if (starts[1:] - ends[:-1] > GAP).any() or (np.diff(starts) <= 0).any():
        return None
    if np.ptp(boxes[:, 1]) > MOST_RISE * boxes[:, 3].max():
        return None
    left, top = boxes[:, :2].min(axis=0)
    pictures = [decode(images / word.filename, image) for word in words]
    bottom = max(y + len(picture) for (_, y, *_), picture in zip(boxes, pictures))
    right = max(x + picture.shape[1] for (x, *_), picture in zip(boxes, pictures))
    line = np.full((bottom - top, right - left), PAPER, np.uint8)
    for (x, y, *_), picture in zip(boxes, pictures):
        whitened = whiten(picture, float(np.percentile(picture, 90)))
        place = line[y - top : y - top + len(picture), x - left : x - left + picture.shape[1]]
        np.minimum(place, whitened, out=place)
    return line


if __name__ == "__main__":
    sys.exit(main())

"""Renders a dataset of words or lines in IAM's layout: images below words/, and labels.json."""

import contextlib
import functools
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np
from tqdm import tqdm

from data_generators.synthetic.fonts import SPLITS
from data_generators.synthetic.sample import WORDS_PER_FORM, sample
from preprocessing.labels import LABELS_FILE
from utils.config.synthetic import DRAWN_BY, RENDERED_WITH, SyntheticConfig
from utils.errors import UserError
from utils.files import atomic_write, write_text
from utils.locks import LOCK_FILE, dataset_lock
from utils.log import progress_bar
from utils.parallel import process_map

MAX_WORDS = 100_000 * WORDS_PER_FORM  # per split: forms s00-000 to s99-999
WORDS_PER_LINE = 8
_FORM_LETTERS = {"train": "s", "val": "v", "test": "t"}
_TASK_WORDS = 4 * WORDS_PER_FORM


def split_sizes(train_words: int) -> dict[str, int]:
    """Returns the words of each split: val and test have a tenth of the training words each, 10 at least."""
    tenth = max(10, train_words // 10)
    return {"train": train_words, "val": tenth, "test": tenth}


def create_synthetic(
    output_folder: str | Path,
    num_words: dict[str, int],
    settings: SyntheticConfig,
    workers: int = 0,
    progress: bool = True,
    keep: bool = False,
) -> Path:
    """Renders a dataset; the same arguments give the same files for any number of `workers`.

    A folder with an earlier synthetic dataset is overwritten. `labels.json` is removed first, written last, and so
    exists only beside a complete dataset. A second process waits for the first.

    Args:
        output_folder: gets words/<f>/<f-form>/<id>.png (8-bit grey) and labels.json.
        num_words: words per split, with the keys "train", "val" and "test", each 1..2,400,000.
        settings: texts and seed (its `enabled` and `num_words` are not used); word i of a split depends on `settings`,
            split and i alone.
        workers: processes; 0 means one per CPU core.
        progress: whether to show a progress bar on stderr.
        keep: whether a complete dataset, which another process may just have made, is left unchanged.

    Returns:
        the path of labels.json: {split: [{"filename": relative to words/, "label", "writer"}, ...]}.

    Raises:
        UserError: impossible numbers, a folder that can't be written or has other content.
    """
    _check_arguments(num_words, workers)
    folder, labels = Path(output_folder), Path(output_folder, LABELS_FILE)
    counts = {split: num_words[split] for split in SPLITS}
    drawn = {name: getattr(settings, name) for name in DRAWN_BY}
    _check_folder(folder)
    starts = ((split, first) for split, count in counts.items() for first in range(0, count, _TASK_WORDS))
    tasks = [(split, first, min(first + _TASK_WORDS, counts[split])) for split, first in starts]
    render = functools.partial(_render_task, str(folder / "words"), settings)
    with dataset_lock(folder):
        if keep and labels.exists():
            return labels
        _prepare(folder, json.dumps({**drawn, "num_words": counts}, indent=2) + "\n")
        total = sum(counts.values())
        bar = progress_bar(total=total, unit=" words", desc="Rendering", mininterval=0.5, disable=not progress)
        rendered = contextlib.closing(process_map(render, tasks, workers))
        with bar, rendered as groups, atomic_write(labels) as part, open(part, "w", encoding="utf-8") as file:
            _write_labels(file, counts, itertools.chain.from_iterable(groups), bar)
    return labels


def _check_arguments(num_words: dict[str, int], workers: int) -> None:
    if set(num_words) != set(SPLITS):
        raise UserError(f"The numbers of words need the keys {', '.join(SPLITS)}, not {sorted(num_words)}.")
    for split, count in num_words.items():
        if not 1 <= count <= MAX_WORDS:
            raise UserError(f"The number of {split} words must be 1 to {MAX_WORDS:,}, not {count:,}.")
    if workers < 0:
        raise UserError(f"The number of workers must be 0 (one per CPU core) or more, not {workers}.")


def _check_folder(folder: Path) -> None:
    """Raises UserError if the path is no folder, or one with other content."""
    try:
        ours = not folder.exists() or (folder / RENDERED_WITH).is_file()
        if not ours and any(path.name != LOCK_FILE for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no synthetic dataset; name a new folder.")
    except OSError as error:
        raise UserError(f"Can't create the dataset in {folder}: {error.strerror or error}.") from error


def _prepare(folder: Path, description: str) -> None:
    """Removes labels.json, and the words of a dataset with other settings."""
    marker = folder / RENDERED_WITH
    try:
        (folder / LABELS_FILE).unlink(missing_ok=True)
        if marker.is_file() and marker.read_text(encoding="utf-8") != description:
            shutil.rmtree(folder / "words", ignore_errors=True)
    except OSError as error:
        raise UserError(f"Can't create the dataset in {folder}: {error.strerror or error}.") from error
    write_text(marker, description)


def _write_labels(file: TextIO, counts: dict[str, int], entries: Iterator[dict[str, str]], bar: tqdm) -> None:
    """Writes entry by entry, so that memory doesn't grow with their number."""
    for position, (split, count) in enumerate(counts.items()):
        file.write(("," if position else "{") + f'\n"{split}": [')
        for index, entry in enumerate(itertools.islice(entries, count)):
            file.write(("," if index else "") + "\n" + json.dumps(entry, ensure_ascii=False))
            bar.update()
        file.write("\n]")
    file.write("\n}\n")


def _render_task(words_folder: str, settings: SyntheticConfig, task: tuple[str, int, int]) -> list[dict[str, str]]:
    """Renders and saves words first..end-1 of a split; returns their entries of labels.json."""
    split, first, end = task
    entries = []
    for index in range(first, end):
        image, label, writer = sample(settings, split, index)
        number, place = divmod(index, WORDS_PER_FORM)
        line, column = divmod(place, WORDS_PER_LINE)
        folder = f"{_FORM_LETTERS[split]}{number // 1000:02d}"
        form = f"{folder}-{number % 1000:03d}"
        filename = f"{folder}/{form}/{form}-{line:02d}-{column:02d}.png"
        _save(image, Path(words_folder, filename))
        entries.append({"filename": filename, "label": label, "writer": writer})
    return entries


def _save(image: np.ndarray, path: Path) -> None:
    # Higher compression takes twice the time for a few per cent of the size.
    data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror or error}.") from None

"""Renders a dataset of words in IAM's layout: images below words/, and labels.json."""

import contextlib
import functools
import itertools
import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from data_generators.synthetic import BEYOND_DICTIONARY, SPLITS, WORDS_PER_FORM, WORDS_PER_LINE, Text, sample
from utils.errors import UserError
from utils.files import atomic_write, write_json
from utils.locks import LOCK_FILE, dataset_lock
from utils.log import progress_bar
from utils.system import usable_cores

MAX_WORDS = 100_000 * WORDS_PER_FORM  # per split: forms s00-000 to s99-999
_MARKER = "synthetic.json"  # written first: marks a folder that may be overwritten
_FORM_LETTERS = {"train": "s", "val": "v", "test": "t"}
_FORMS_PER_TASK = 4


def create_synthetic(
    output_folder: str | Path,
    num_words: dict[str, int],
    seed: int,
    workers: int = 0,
    progress: bool = True,
    beyond_dictionary: float = BEYOND_DICTIONARY,
    text: Text = "english",
    keep: bool = False,
) -> Path:
    """Renders a dataset; the same arguments give the same files for any number of `workers`.

    A folder that holds an earlier synthetic dataset is overwritten. `labels.json` is removed first
    and written last, so it exists only beside a complete dataset. Of two processes the second waits.

    Args:
        output_folder: gets words/<f>/<f-form>/<id>.png (8-bit grey) and labels.json.
        num_words: words per split, with the keys "train", "val" and "test", each 1..2,400,000.
        seed: 0 or more. Word i of a split depends on seed, split and i alone.
        workers: processes; 0 means one per CPU core.
        progress: show a progress bar on stderr.
        beyond_dictionary: 0 to 1, share of labels that are in no dictionary.
        text: "english", or "accented": French, German and Spanish words with accents.
        keep: return a complete dataset unchanged; another process may have just made it.

    Returns:
        the path of labels.json: {split: [{"filename": relative to words/, "label", "writer"}, ...]}.

    Raises:
        UserError: impossible numbers, a folder that can't be written or holds something else.
    """
    _check_arguments(num_words, seed, workers)
    if not 0 <= beyond_dictionary <= 1:
        raise UserError(f"The share of labels beyond the dictionary must be 0 to 1, not {beyond_dictionary}.")
    folder = Path(output_folder)
    counts = {split: num_words[split] for split in SPLITS}
    description = {"seed": seed, "beyond_dictionary": beyond_dictionary, "text": text, "num_words": counts}
    _check_place(folder)
    tasks = _tasks(num_words)
    workers = min(workers or usable_cores(), len(tasks))
    render = functools.partial(_render_task, str(folder / "words"), seed, beyond_dictionary, text)
    total = sum(num_words.values())
    with dataset_lock(folder):
        if keep and (folder / "labels.json").exists():
            return folder / "labels.json"
        _prepare(folder, description)
        bar = progress_bar(
            total=total, unit=" words", desc="Rendering", mininterval=0.5, disable=not progress
        )
        with bar, _mapped(render, tasks, workers) as results:
            _write_labels(folder / "labels.json", counts, _counted(results, bar))
    return folder / "labels.json"


def _check_arguments(num_words: dict[str, int], seed: int, workers: int) -> None:
    if set(num_words) != set(SPLITS):
        raise UserError(f"The numbers of words need the keys {', '.join(SPLITS)}, not {sorted(num_words)}.")
    for split, count in num_words.items():
        if not 1 <= count <= MAX_WORDS:
            raise UserError(f"The number of {split} words must be 1 to {MAX_WORDS:,}, not {count:,}.")
    if seed < 0:
        raise UserError(f"The seed must be 0 or more, not {seed}.")
    if workers < 0:
        raise UserError(f"The number of workers must be 0 (one per CPU core) or more, not {workers}.")


def _check_place(folder: Path) -> None:
    """Raises UserError if the path is no folder, or one with foreign content."""
    try:
        ours = not folder.exists() or (folder / _MARKER).is_file()
        if not ours and any(path.name != LOCK_FILE for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no synthetic dataset; name a new folder.")
    except OSError as error:
        raise UserError(f"Can't create the dataset in {folder}: {error.strerror or error}.") from error


def _prepare(folder: Path, description: dict) -> None:
    """Removes labels.json, and the words of a dataset with other settings."""
    marker = folder / _MARKER
    try:
        (folder / "labels.json").unlink(missing_ok=True)
        if marker.is_file() and marker.read_text(encoding="utf-8") != _as_text(description):
            shutil.rmtree(folder / "words", ignore_errors=True)  # words of other settings
    except OSError as error:
        raise UserError(f"Can't create the dataset in {folder}: {error.strerror or error}.") from error
    write_json(marker, description)


def _as_text(description: dict) -> str:
    return json.dumps(description, ensure_ascii=False, indent=2) + "\n"


def _tasks(num_words: dict[str, int]) -> list[tuple[str, int, int]]:
    """(split, first word, end) in steps of a few forms: small enough to share, large enough to send."""
    step = _FORMS_PER_TASK * WORDS_PER_FORM
    return [
        (split, first, min(first + step, num_words[split]))
        for split in SPLITS
        for first in range(0, num_words[split], step)
    ]


@contextlib.contextmanager
def _mapped(function: Callable, tasks: list, workers: int) -> Iterator[Iterable]:
    """Yields a `map` in order over `workers` processes, which all end with the block."""
    if workers == 1:
        yield map(function, tasks)
        return
    # Spawned, not forked: the caller may have threads (TensorFlow's) that a fork would freeze.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker)
    try:
        yield pool.map(function, tasks)
    finally:
        pool.shutdown(cancel_futures=True)


def start_worker() -> None:
    """Prepares a worker process: Ctrl-C is left to the parent, OpenCV runs on one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _render_task(
    words_folder: str, seed: int, beyond_dictionary: float, text: Text, task: tuple[str, int, int]
) -> list[dict[str, str]]:
    """Renders and saves words first..end-1 of a split; returns their entries of labels.json."""
    split, first, end = task
    entries = []
    for index in range(first, end):
        image, label, writer = sample(seed, split, index, beyond_dictionary, text)
        number, place = divmod(index, WORDS_PER_FORM)
        line, column = divmod(place, WORDS_PER_LINE)
        folder = f"{_FORM_LETTERS[split]}{number // 1000:02d}"
        form = f"{folder}-{number % 1000:03d}"
        filename = f"{folder}/{form}/{form}-{line:02d}-{column:02d}.png"
        _save(image, Path(words_folder, filename))
        entries.append({"filename": filename, "label": label, "writer": writer})
    return entries


def _save(image: np.ndarray, path: Path) -> None:
    # Low compression: higher levels take twice the time for a few per cent of the size.
    data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror or error}.") from None


def _counted(results: Iterable[list[dict[str, str]]], bar: tqdm) -> Iterator[dict[str, str]]:
    for entries in results:
        yield from entries
        bar.update(len(entries))


def _write_labels(path: Path, counts: dict[str, int], entries: Iterator[dict[str, str]]) -> None:
    """Writes entry by entry, so that memory does not grow with their number.

    Args:
        entries: of the splits one after the other, in the order of `counts`.
    """
    with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("{")
        for position, (split, count) in enumerate(counts.items()):
            file.write(("," if position else "") + f'\n"{split}": [')
            for index, entry in enumerate(itertools.islice(entries, count)):
                file.write(("," if index else "") + "\n" + json.dumps(entry, ensure_ascii=False))
            file.write("\n]")
        file.write("\n}\n")

"""Collects facts about a dataset: image sizes, characters, writers, duplicates and suspicious words."""

import hashlib
import itertools
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from preprocessing.image_file import UnusableImage, decode
from preprocessing.importers.checks import AHEAD, OUTSIDE_FOLDER
from preprocessing.labels import SPLITS, LabelsFile, Word, shared_by_splits
from utils.config.image import ImageConfig
from utils.files import is_inside
from utils.log import progress_bar
from utils.parallel import ordered_map

RARE = 5  # occurrences below which a character can hardly be learned
CROWDED = 0.25  # of the median width per character
THREADS = 4


@dataclass(frozen=True)
class Picture:
    """An image file: its size in pixels and a digest of the pixels, or why it can't be read."""

    height: int = 0
    width: int = 0
    digest: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Entry:
    """A word with its image file."""

    split: str
    word: Word
    picture: Picture


def scan(
    labels: LabelsFile, folder: Path, image: ImageConfig, progress: bool = False, follow_links: bool = False
) -> list[Entry]:
    """Opens each image file below `folder` once, as `image` sets (channels, most pixels); returns an entry per word.

    Links that lead out of `folder` are problems unless `follow_links`.
    """
    words = [(split, word) for split in SPLITS for word in labels.splits[split]]

    def inspect(item: tuple[str, Word]) -> Picture:
        return _inspect(folder, item[1].filename, image, follow_links)

    pictures = ordered_map(inspect, words, ThreadPoolExecutor(THREADS), ahead=AHEAD)
    bar = progress_bar(pictures, desc="Reading", total=len(words), disable=not progress, leave=False)
    return [Entry(split, word, picture) for (split, word), picture in zip(words, bar)]


def _inspect(folder: Path, filename: str, image: ImageConfig, follow_links: bool) -> Picture:
    if not follow_links and not is_inside(folder / filename, folder):
        return Picture(problem=OUTSIDE_FOLDER)
    try:
        pixels = decode(folder / filename, image)
    except UnusableImage as error:
        return Picture(problem=error.reason)
    digest = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes())
    return Picture(pixels.shape[0], pixels.shape[1], digest.hexdigest())


def of_split(entries: Sequence[Entry], split: str) -> list[Entry]:
    """Returns the entries of one split."""
    return [entry for entry in entries if entry.split == split]


def shared_writers(entries: Sequence[Entry]) -> dict[tuple[str, str], list[str]]:
    """Returns the writers that two splits share; pairs without any are left out."""
    return shared_by_splits({split: {e.word.writer for e in of_split(entries, split)} - {None} for split in SPLITS})


def shared_pictures(entries: Sequence[Entry]) -> dict[tuple[str, str], list[str]]:
    """Returns different files with equal pixels in two splits, by the file name in the first split."""
    names: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
    for entry in entries:
        if entry.picture.digest:
            names[entry.split].setdefault(entry.picture.digest, posixpath.normpath(entry.word.filename))
    result = {}
    for (first, second), digests in shared_by_splits({split: set(found) for split, found in names.items()}).items():
        if files := [names[first][d] for d in digests if names[first][d] != names[second][d]]:
            result[first, second] = sorted(files)
    return result


def repeated_pictures(entries: Sequence[Entry]) -> tuple[int, list[str]]:
    """Returns how many files repeat the pixels of an earlier one of their split, and those with another label."""
    first: dict[tuple[str, str], Entry] = {}
    repeated, contradicting = 0, []
    for entry in entries:
        if entry.picture.problem:
            continue
        other = first.setdefault((entry.split, entry.picture.digest), entry)
        if other is not entry:
            repeated += 1
            if other.word.label != entry.word.label:
                contradicting.append(entry.word.filename)
    return repeated, contradicting


def problems(entries: Sequence[Entry]) -> Counter[str]:
    """Counts unreadable files by reason."""
    return Counter(entry.picture.problem for entry in entries if entry.picture.problem)


def labelled(entries: Sequence[Entry]) -> list[Entry]:
    """Returns the entries whose label is more than white space, as training uses them."""
    return [entry for entry in entries if entry.word.label.strip()]


def characters(entries: Sequence[Entry]) -> Counter[str]:
    """Counts the characters of the labels that are more than white space."""
    return Counter(itertools.chain.from_iterable(entry.word.label for entry in labelled(entries)))


def rare_characters(counts: Mapping[str, int]) -> dict[str, int]:
    """Returns the characters that occur fewer than RARE times, rarest first."""
    rare = {character: count for character, count in counts.items() if count < RARE}
    return dict(sorted(rare.items(), key=lambda item: (item[1], item[0])))


def unseen_characters(entries: Sequence[Entry]) -> str:
    """Returns the characters of val and test that no training label has; "" without training labels."""
    known = characters(of_split(entries, "train")).keys()
    return "".join(sorted(characters(entries).keys() - known)) if known else ""


def with_spaces(entries: Sequence[Entry]) -> list[str]:
    """Returns the files whose label has white space beside other characters."""
    return [e.word.filename for e in labelled(entries) if any(char.isspace() for char in e.word.label)]


def crowded(entries: Sequence[Entry]) -> list[str]:
    """Returns the files with far less width per character than usual: wrong labels, or narrow crops."""
    usable = [entry for entry in labelled(entries) if entry.picture.width]
    widths = [entry.picture.width / len(entry.word.label) for entry in usable]
    limit = CROWDED * np.median(widths) if widths else 0
    # Labels of one or two characters, such as a comma or `ll`, may be narrow.
    return [e.word.filename for e, width in zip(usable, widths) if width < limit and len(e.word.label) > 2]

"""Describes a dataset before anything is trained on it.

python -m tools.inspect_dataset -c configs/iam.yml
python -m tools.inspect_dataset --images my/images --labels_file my/labels.json --plot histograms.png
"""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from metrics.plots import make_figure, plot_bars, plot_histogram, save_png
from preprocessing import label_checks
from preprocessing.dataset_checks import (
    RARE,
    Entry,
    characters,
    crowded,
    labelled,
    of_split,
    problems,
    rare_characters,
    repeated_pictures,
    scan,
    shared_pictures,
    shared_writers,
    unseen_characters,
    with_spaces,
)
from preprocessing.image_file import configure_process
from preprocessing.labels import SPLITS, read_labels
from utils.cli import run_command
from utils.config.image import ImageConfig
from utils.config.load import load_config
from utils.errors import UserError
from utils.escaping import one_line

PERCENTILES = (1, 10, 50, 90, 99)
EXAMPLES = 3
LINE = 100  # characters of an output line


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error, 130 Ctrl-C)."""
    options = _parse(arguments)
    return run_command(lambda: _inspect(options))


def _inspect(options: argparse.Namespace) -> int:
    configure_process()
    folder, labels_file, image, follow_links = _places(options)
    labels = read_labels(labels_file)
    if not folder.is_dir():
        raise UserError(f"The images folder {folder} does not exist; set --images or images_folder.")
    entries = scan(labels, folder, image, True, follow_links)
    if not entries:
        raise UserError(f"{labels_file} holds no words.")
    print("\n".join(describe(entries, labels.notes)))
    if options.plot:
        plot(options.plot, entries)
    return 0


def describe(entries: Sequence[Entry], notes: Sequence[str] = ()) -> Iterator[str]:
    """Yields the findings as lines of text; `notes` are remarks from reading the labels file."""
    yield from _splits(entries)
    yield ""
    yield from _measures(entries)
    yield ""
    counts = characters(entries)
    listed = "  ".join(f"{_shown(character)} {count}" for character, count in counts.most_common())
    yield from _wrapped(f"{len(counts)} characters: {listed}", "")
    yield ""
    yield "What to look at:"
    findings = [*notes, *_findings(entries)]
    for finding in findings or ["nothing"]:
        yield from _wrapped(finding, "  ")


def plot(path: str, entries: Sequence[Entry]) -> None:
    """Draws histograms of heights, widths, label lengths and characters as a PNG."""
    usable = [entry.picture for entry in entries if not entry.picture.problem]
    lengths = [len(entry.word.label) for entry in labelled(entries)]
    figure, axes = make_figure(2, 2)
    plot_histogram(axes[0], "image height, px", [picture.height for picture in usable])
    plot_histogram(axes[1], "image width, px", [picture.width for picture in usable])
    plot_histogram(axes[2], "label length, characters", lengths)
    counts = characters(entries).most_common(80)
    plot_bars(axes[3], "characters", {_shown(character): count for character, count in counts})
    save_png(path, figure)


def _splits(entries: Sequence[Entry]) -> Iterator[str]:
    yield f"{'':16}" + "".join(f"{split:>9}" for split in SPLITS)
    parts = [of_split(entries, split) for split in SPLITS]
    unreadable = [sum(bool(entry.picture.problem) for entry in part) for part in parts]
    rows = {
        "words": [len(part) for part in parts],
        "unreadable": unreadable,
        "different labels": [len({entry.word.label for entry in part}) for part in parts],
        "writers": [len({entry.word.writer for entry in part} - {None}) for part in parts],
        "without writer": [sum(entry.word.writer is None for entry in part) for part in parts],
    }
    for name, values in rows.items():
        yield f"{name:16}" + "".join(f"{value:9}" for value in values)


def _measures(entries: Sequence[Entry]) -> Iterator[str]:
    usable = [entry for entry in entries if not entry.picture.problem]
    measures = {
        "image height, px": [entry.picture.height for entry in usable],
        "image width, px": [entry.picture.width for entry in usable],
        "label length": [len(entry.word.label) for entry in labelled(entries)],
    }
    yield f"{'percentiles':16}" + "".join(f"{f'{p} %':>9}" for p in PERCENTILES) + f"{'largest':>9}"
    for name, values in measures.items():
        if values:
            columns = [*np.percentile(values, PERCENTILES), max(values)]
            yield f"{name:16}" + "".join(f"{round(value):9}" for value in columns)


def _findings(entries: Sequence[Entry]) -> Iterator[str]:
    for reason, count in problems(entries).most_common():
        names = [entry.word.filename for entry in entries if entry.picture.problem == reason]
        yield f"{count} images can't be read: {reason} ({_examples(names)})"
    for (first, second), writers in shared_writers(entries).items():
        yield f"{len(writers)} writers are in both {first} and {second} ({_examples(writers)})"
    for (first, second), names in shared_pictures(entries).items():
        yield f"{len(names)} equal images are in both {first} and {second} ({_examples(names)})"
    repeated, contradicting = repeated_pictures(entries)
    if repeated:
        yield f"{repeated} images repeat another of their split, {len(contradicting)} with another label" + (
            f" ({_examples(contradicting)})" if contradicting else ""
        )
    empty = [entry.word.filename for entry in entries if not entry.word.label.strip()]
    if empty:
        yield f"{len(empty)} labels are empty ({_examples(empty)})"
    spaces = with_spaces(entries)
    if 0 < len(spaces) < len(entries) / 2:  # else they are lines of text
        yield f"{len(spaces)} labels have white space ({_examples(spaces)})"
    if narrow := crowded(entries):
        yield f"{len(narrow)} labels are very long for their image's width ({_examples(narrow)})"
    if rare := rare_characters(characters(of_split(entries, "train"))):
        listed = " ".join(f"{_shown(character)} {count}" for character, count in rare.items())
        yield f"{len(rare)} characters occur fewer than {RARE} times in train: {listed}"
    yield from _label_findings(entries)
    if unseen := unseen_characters(entries):
        yield f"{len(unseen)} characters of val or test are not in train: " + " ".join(map(_shown, unseen))


def _label_findings(entries: Sequence[Entry]) -> Iterator[str]:
    words = [entry.word for entry in entries]
    checks = {
        "invisible characters": label_checks.invisible,
        "letters that look like those of another script": label_checks.lookalikes,
        "letters of both directions": label_checks.mixed_directions,
    }
    for name, check in checks.items():
        finding = check(words)
        if finding.files:
            listed = list(label_checks.described(finding.characters))
            yield f"{len(finding.files)} labels have {name}: {_examples(listed)} ({_examples(finding.files)})"


def _wrapped(text: str, indent: str) -> list[str]:
    wrapper = textwrap.TextWrapper(LINE, initial_indent=indent, subsequent_indent=indent + "  ")
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.wrap(text)


def _examples(names: Sequence[str]) -> str:
    shown = ", ".join(one_line(name) for name in names[:EXAMPLES])
    return shown + (", ..." if len(names) > EXAMPLES else "")


def _shown(character: str) -> str:
    """Returns the character, or its code point where it is invisible."""
    return character if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"


def _places(options: argparse.Namespace) -> tuple[Path, Path, ImageConfig, bool]:
    """Returns images folder, labels file, how to decode images, and whether they may be links out of the folder."""
    if not options.conf:
        return Path(options.images), Path(options.labels_file), ImageConfig(), options.follow_links
    config = load_config(options.conf)
    folder, labels = options.images or config.images_folder, options.labels_file or config.labels_file
    return Path(folder), Path(labels), config.image, options.follow_links or config.follow_links


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Describes a dataset.")
    parser.add_argument("-c", "--conf", help="config file that names the dataset")
    parser.add_argument("--images", help="folder of the word images")
    parser.add_argument("--labels_file", help="labels.json")
    parser.add_argument("--follow_links", action="store_true", help="accept images that are links out of their folder")
    parser.add_argument("--plot", metavar="FILE.png", help="also draw histograms")
    options = parser.parse_args(arguments)
    if not options.conf and not (options.images and options.labels_file):
        parser.error("give -c CONFIG, or --images and --labels_file")
    if options.plot and not options.plot.lower().endswith(".png"):
        parser.error("--plot names a .png file")
    return options


if __name__ == "__main__":
    sys.exit(main())

"""Writes labels.json from IAM's words.txt or from a table of your own words.

IAM:        python -m tools.create_labels --data_folder datasets/iam --output datasets/iam/labels.json
A table:    python -m tools.create_labels --table my/labels.csv --images my/images --output my/labels.json
Other data: python -m tools.create_labels --source FOLDER --output my/labels.json
            (recognised: pictures with .gt.txt, IAM, folders of Hugging Face, EasyOCR, PaddleOCR or
            deep-text-recognition-benchmark; PAGE, ALTO and LMDB with --images FOLDER for the cut or unpacked images)

Every image is read once; words that can't be used are counted by reason and listed beside the output.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

from preprocessing.image_file import configure_process
from preprocessing.importers import iam
from preprocessing.importers.checks import drop_bad_images, drop_bad_labels, drop_bad_segmentation
from preprocessing.importers.labelled_word import Dropped, LabelledWord
from preprocessing.importers.missing import why_missing
from preprocessing.importers.sources import FORMATS, OF_IAM, Source, read_source, recognise
from preprocessing.importers.split import (
    Splits,
    empty_parts,
    form_split,
    keep_in_training_only,
    random_split,
    shared_writers,
    table_split,
    with_folder_splits,
    with_val,
    writer_split,
)
from preprocessing.labels import SPLITS, write_labels
from utils.cli import add_max_pixels, number, run_command
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.escaping import one_line
from utils.files import check_writable, open_regular, write_csv
from utils.log import log
from utils.system import usable_cores

RANDOM_WARNING = (
    "a random split shares writers and texts between its parts, so figures on it are no test on unseen "
    "writers; use --split writer or --split forms for that."
)
DEFAULT_SHARE = 0.1  # of test and of val


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error, 130 Ctrl-C)."""
    options = _parse(arguments)
    return run_command(lambda: _create(options))


def _create(options: argparse.Namespace) -> int:
    configure_process()
    listing = options.output.with_suffix(".dropped.tsv")
    for path in (listing, options.output):
        check_writable(path)
        if os.path.realpath(path) in map(os.path.realpath, _read_files(options)):
            raise UserError(f"{path} is read, so it can't be written, too; name another file with --output.")
    _refuse_to_replace_others(options.output)
    form_lists = _form_lists(options)
    image = ImageConfig(max_pixels=options.max_pixels)
    path, form = _source(options)
    _refuse_options_of_iam(options, path, form)
    by_writer, linked = options.split == "writer", options.follow_links
    source = Source(path, options.images, options.pictures, options.forms_file, by_writer, image, linked)
    images, records, dropped = read_source(source, form)
    records, bad_labels = drop_bad_labels(records, options.max_label_length)
    records, bad_images = drop_bad_images(records, images, options.workers, image, options.follow_links)
    # After the images: a missing image is reported even where its word would not be used.
    records, bad_segmentation = drop_bad_segmentation(records, keep=bool(options.include_err))
    dropped = [*dropped, *bad_labels, *bad_images, *bad_segmentation]
    example = _example(bad_images, dropped, images)
    if not records:
        write_csv(listing, ["name", "label", "reason"], map(vars, dropped), delimiter="\t")
        if not dropped:
            raise UserError(f"No usable word: {path} holds none.")
        raise UserError(f"No usable word: {_reasons(dropped)}{example}; all are listed in {listing}.")
    splits, unplaced, notes = _split(records, options, form_lists)
    dropped += unplaced
    if options.include_err == "train":
        dropped += keep_in_training_only(splits, records)
    if not splits["train"]:
        raise UserError(f"None of the {len(records)} usable words is left for train; change sizes, lists or the table.")
    write_csv(listing, ["name", "label", "reason"], map(vars, dropped), delimiter="\t")
    write_labels(options.output, splits)
    _report(splits, dropped)
    if example:
        print(one_line(f"Of the missing images{example}."), file=sys.stderr)
    print(one_line(f"Written: {options.output}; the dropped words are listed in {listing}"))
    if options.follow_links:
        print("To train on images that are links, set follow_links=true in the config.", file=sys.stderr)
    for note in notes + empty_parts(splits):
        print(one_line(f"Warning: {note}"), file=sys.stderr)
    return 0


def _read_files(options: argparse.Namespace) -> list[Path]:
    """Returns the files to read that the options name."""
    lists = (getattr(options, f"{split}_forms") for split in SPLITS)
    return [Path(path) for path in (options.table, options.source, options.forms_file, *lists) if path]


def _refuse_to_replace_others(output: Path) -> None:
    """Raises UserError if the output is there and holds more than the labels that are written."""
    if not os.path.exists(output):
        return
    try:
        with open_regular(output) as file:
            content = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        content = None
    way_out = "name another file with --output, or move it away"
    if not isinstance(content, dict):
        raise UserError(f"{output} is there and is no labels file, so it is not replaced; {way_out}.")
    if others := ", ".join(sorted(content.keys() - set(SPLITS))):
        raise UserError(f"{output} holds more than train, val and test, which would be lost: {others}; {way_out}.")


def _source(options: argparse.Namespace) -> tuple[Path, str]:
    """Returns the path of the source, and its format: named, or recognised."""
    if options.table:
        return options.table, "table"
    if options.data_folder:
        return options.data_folder, "iam"
    return options.source, options.format or recognise(options.source, options.follow_links)


def _refuse_options_of_iam(options: argparse.Namespace, path: Path, form: str) -> None:
    """Raises UserError for options of IAM's formats that this format does not have."""
    if form not in OF_IAM and (options.split == "forms" or options.forms_file or options.include_err):
        raise UserError(
            f"--split forms, --forms_file and --include_err are for IAM, and {path} is not; leave them out."
        )
    if form == "iam_lines" and options.include_err:
        raise UserError("--include_err is for IAM's words; all lines are kept, so leave it out.")


def _form_lists(options: argparse.Namespace) -> dict[str, set[str]]:
    """Returns the form ids of each split whose list is given."""
    paths = {split: getattr(options, f"{split}_forms") for split in SPLITS}
    return {split: iam.read_form_list(path) for split, path in paths.items() if path}


def _split(
    records: list[LabelledWord], options: argparse.Namespace, form_lists: dict[str, set[str]]
) -> tuple[Splits, list[Dropped], list[str]]:
    """Returns the three parts, the words that fit in none, and remarks on the split."""
    test_size, val_size = (DEFAULT_SHARE if size is None else size for size in (options.test_size, options.val_size))
    if options.split == "forms":
        _refuse_sizes(options, "test_size", "val_size")
        splits, unplaced = form_split(records, form_lists)
        return splits, unplaced, shared_writers(splits)
    if options.split == "writer":
        return *writer_split(records, test_size, val_size, options.seed), []
    with_split = sum(record.split is not None for record in records)
    if options.split is None and not with_split and (found := with_folder_splits(records)):
        log("The folders are named after splits, which are kept; --split random divides the words instead.")
        records, with_split = found, len(found)
    if options.split is None and with_split:
        if without := len(records) - with_split:
            raise UserError(f"{without} of {len(records)} words have no split, the others have; give all one, or none.")
        _refuse_sizes(options, "test_size")
        if any(record.split == "val" for record in records):
            _refuse_sizes(options, "val_size")
        else:
            log(f"No word is given to val: it gets {val_size:.0%} of train, at random (--val_size).")
            records = with_val(records, val_size, options.seed)
        splits = table_split(records)
        return splits, [], shared_writers(splits)
    return random_split(records, test_size, val_size, options.seed), [], [RANDOM_WARNING]


def _refuse_sizes(options: argparse.Namespace, *names: str) -> None:
    """Raises UserError if the share of a split is given that something else decides."""
    if given := " and ".join(f"--{name}" for name in names if getattr(options, name) is not None):
        others = "the lists of forms decide" if options.split else "the table or its folders have splits"
        raise UserError(f"{given} would have no effect, since {others}; leave {given} out, or use --split random.")


def _report(splits: Splits, dropped: list[Dropped]) -> None:
    print(f"{'dropped':<20}{'words':>8}")
    for reason, count in Counter(word.reason for word in dropped).most_common():
        print(f"{reason:<20}{count:>8}")
    print(f"{'all':<20}{len(dropped):>8}\n")
    print(f"{'split':<12}{'words':>8}{'writers':>8}")
    for name, words in splits.items():
        writers = len({word.writer for word in words} - {None})
        print(f"{name:<12}{len(words):>8}{writers or '-':>8}")
    labels = [word.label for words in splits.values() for word in words]
    print(f"\nDifferent characters: {len(set().union(*labels))}")
    print(f"Longest label: {max(map(len, labels))} characters")


def _example(bad_images: list[Dropped], dropped: list[Dropped], images: Path) -> str:
    """Returns why the first of the missing images is missing; an empty string if none is."""
    if missing := next((word for word in bad_images if word.reason == "missing image"), None):
        return f": {why_missing(images, missing.name)}"
    # A picture that an importer itself did not find is named by its text file, not by an image.
    missing = next((word for word in dropped if word.hint), None)
    return f": there is none for {missing.name}; {missing.hint}" if missing else ""


def _reasons(dropped: list[Dropped]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(d.reason for d in dropped).most_common())


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    natural, positive, share = number(int, 0), number(int, 1), number(float, 0, 0.99)
    source = parser.add_mutually_exclusive_group(required=True).add_argument
    source("--data_folder", type=Path, help="IAM's folder, with words.txt, forms.txt and words/")
    source("--table", type=Path, help="CSV or TSV of filename,label[,writer]; a header may add split")
    source("--source", type=Path, help="a table or folder in any of these formats, which is recognised")
    add = parser.add_argument
    add("--format", choices=FORMATS, help="format of --source (default: as recognised)")
    add("--images", type=Path, help="folder to which a table's file names are relative, or for images cut or unpacked")
    add("--pictures", type=Path, help="folder of the pictures of PAGE or ALTO, if they are not beside these files")
    add("--follow_links", action="store_true", help="accept images that are links out of their folder, such as DVC's")
    add("--output", type=Path, required=True, help="labels file to write, .json")
    ways = ["random", "writer", "forms"]
    add(
        "--split", choices=ways, help="default: the table's split column, else folders train, val and test, else random"
    )
    add("--test_size", type=share, help=f"share of the words for test (default {DEFAULT_SHARE})")
    add("--val_size", type=share, help=f"share of the rest for val (default {DEFAULT_SHARE})")
    add("--seed", type=natural, default=45, help="seed of the random and writer splits (default 45)")
    add("--forms_file", type=Path, help="IAM's forms.txt (default: the one in data_folder)")
    for split in SPLITS:
        add(f"--{split}_forms", type=Path, help=f"list of the form ids of {split}, for --split forms")
    flagged = "keep words that IAM flags as badly segmented, in all splits or in train only"
    add("--include_err", nargs="?", const="all", choices=["all", "train"], help=flagged)
    add("--max_label_length", type=positive, help="drop words with longer labels")
    add_max_pixels(parser)
    add("--workers", type=positive, default=usable_cores(), help="number of threads that read images")
    options = parser.parse_args(arguments)
    _check_combination(parser, options)
    return options


def _check_combination(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuses options that would be ignored; exits with 2."""
    lists = [f"--{split}_forms" for split in SPLITS if getattr(options, f"{split}_forms")]
    if options.output.suffix != ".json":
        parser.error(f"--output {options.output} must end in .json")
    if options.table and not options.images:
        parser.error("--table needs --images, the folder that its file names start from")
    if options.table and (options.split == "forms" or options.forms_file or options.include_err):
        parser.error("--split forms, --forms_file and --include_err are for IAM; a table can have a split column")
    if options.format and not options.source:
        parser.error("--format goes with --source")
    if options.pictures and not options.source:
        parser.error("--pictures goes with --source, for the pages of PAGE or ALTO")
    if options.data_folder and options.images:
        parser.error("--images goes with --table; IAM's images are in data_folder/words")
    if lists and options.split != "forms":
        parser.error(f"{lists[0]} needs --split forms")
    if options.split == "forms" and not {"--train_forms", "--val_forms"} <= set(lists):
        parser.error("--split forms needs --train_forms and --val_forms")


if __name__ == "__main__":
    sys.exit(main())

"""Reads labelled pages, also with rapidocr if it is installed: python -m benchmarks.pages PAGES.json

PAGES.json is a list of {"file", "kind", "language", "complete", "lines": [{"text", "box": [x, y, w, h]}]} with the
lines in reading order and the files beside it. A page's text is that of its lines, joined by spaces. CER and WER are
those of complete pages, where all writing is given: edit distances summed over pages, over the characters and words
given. Word recall counts the given words found anywhere on their page, each as often as it is there; line recall the
given boxes that a found line's box covers with an IoU of at least 0.5; spurious are found lines of complete pages that
cover none.
"""

import argparse
import functools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from metrics.score_prediction import score_prediction
from predictors.loading import configured_predictor
from predictors.pages import PageReader
from preprocessing.image_file import configure_process
from preprocessing.page.pictures import read_pictures
from utils.cli import add_config_options, run_command
from utils.config.load import load_config
from utils.errors import UserError
from utils.files import check_writable, write_text
from utils.log import log, progress_bar

LEAST_IOU = 0.5
Box = tuple[float, float, float, float]  # left, top, right, bottom
Found = list[tuple[str, Box]]


@dataclass(frozen=True)
class Result:
    """Lines that a system read on a labelled page, and the seconds that it took."""

    page: dict[str, Any]
    found: Found
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("pages", type=Path, help="JSON file of labelled pages")
    add_config_options(parser)
    add("--language", help="only pages of this language")
    add("--ours_only", action="store_true", help="without rapidocr's own reading")
    add("--output", type=Path, default=Path("benchmarks/pages.md"), help="table (default: %(default)s)")
    options = parser.parse_args(arguments)
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.conf, options.set)
    check_writable(options.output, [options.pages])
    configure_process()
    everything = _load(options.pages)
    pages = [p for p in everything if options.language in (None, p["language"])]
    if not everything:
        raise UserError(f"{options.pages} has no pages.")
    if not pages:
        raise UserError(f"{options.pages} has no page of language {options.language}.")
    _check_pictures(options.pages, pages)
    predictor = configured_predictor(config)
    reader = PageReader(predictor)

    def ours(path: Path) -> Found:
        _, pixels = next(read_pictures(path, predictor.spec.image))
        return [(line.text, _bounds(line.polygon)) for line in reader.read(pixels).lines]

    systems = {"this project": ours, **({} if options.ours_only else {"rapidocr": _rapidocr()})}
    results: dict[str, list[Result]] = {name: [] for name in systems}
    # One page after the other in both, so that neither has the quieter machine.
    for page in progress_bar(pages, desc="Reading pages", total=len(pages), unit="page"):
        for name, read in systems.items():
            start = time.perf_counter()
            found = read(options.pages.parent / page["file"])
            results[name].append(Result(page, found, time.perf_counter() - start))
    text = table(results)
    write_text(options.output, text)
    print(text, end="")
    log(f"Written to {options.output}.")
    return 0


def _load(path: Path) -> list[dict[str, Any]]:
    try:
        pages = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(pages, list):
            raise ValueError("it is no list")
        for number, page in enumerate(pages, start=1):
            if problem := _problem(page):
                raise ValueError(f"page {number} {problem}")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no list of labelled pages: {error}.") from None
    return pages


def _problem(page: Any) -> str:
    """Returns what is wrong with a labelled page; an empty string if nothing is."""
    if not isinstance(page, dict):
        return "is no object"
    kinds = {"file": str, "kind": str, "language": str, "complete": bool, "lines": list}
    for key, kind in kinds.items():
        if not isinstance(page.get(key), kind):
            return f"has no {key!r} of type {kind.__name__}"
    for number, line in enumerate(page["lines"], start=1):
        text, box = (line.get("text"), line.get("box")) if isinstance(line, dict) else (None, None)
        if not isinstance(text, str):
            return f"has no text in line {number}"
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(side, int | float) for side in box):
            return f"has no box [x, y, w, h] in line {number}"
    return ""


def _check_pictures(path: Path, pages: list[dict[str, Any]]) -> None:
    """Raises UserError if the picture of a page is missing, before the others are read."""
    missing = [page["file"] for page in pages if not (path.parent / page["file"]).is_file()]
    if missing:
        raise UserError(f"{path}: {len(missing)} pictures are missing, such as {missing[0]}; put them beside it.")


def _rapidocr() -> Callable[[Path], Found]:
    """Returns rapidocr's own reading of a page, with its defaults."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def read(path: Path) -> Found:
        pixels = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
        result = engine(np.ascontiguousarray(pixels[:, :, ::-1]))
        return [] if result.txts is None else [(text, _bounds(box)) for text, box in zip(result.txts, result.boxes)]

    return read


def _bounds(polygon: Iterable[tuple[float, float]]) -> Box:
    xs, ys = zip(*polygon)
    return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))


def table(results: dict[str, list[Result]]) -> str:
    """Returns the scores of each system on all pages, each language and each kind of picture, as Markdown."""
    lines = [
        "| pages | system | n (complete) | CER / WER, % | word recall, % | line recall, % | spurious, % | s per page |",
        "|---|---|---|---|---|---|---|---|",
    ]
    everything = [result.page for one in results.values() for result in one]
    groups: dict[str, Callable[[dict[str, Any]], bool]] = {"all": lambda page: True}
    for key in ("language", "kind"):
        for value in dict.fromkeys(page[key] for page in everything):
            groups[f"{value} ({key})" if value in groups else value] = functools.partial(_has, key, value)
    for group, belongs in groups.items():
        for system, all_of_it in results.items():
            chosen = [result for result in all_of_it if belongs(result.page)]
            lines.append(f"| {group} | {system} | {' | '.join(_cells(chosen))} |")
    return "\n".join(lines) + "\n"


def _has(key: str, value: str, page: dict[str, Any]) -> bool:
    return page[key] == value


def _cells(results: list[Result]) -> list[str]:
    complete = [result for result in results if result.page["complete"]]
    errors = "-"
    given = [" ".join(line["text"] for line in result.page["lines"]) for result in complete]
    if any(text.strip() for text in given):
        scores = score_prediction(given, [" ".join(text for text, _ in result.found) for result in complete])
        errors = f"{100 * scores.cer:.1f} / {100 * scores.wer:.1f}"
    words = [word_recall(result.page, result.found) for result in results]
    matched = [line_matches(result.page, result.found) for result in results]
    spurious = [wrong for (_, wrong), result in zip(matched, results) if result.page["complete"]]
    found = sum(len(result.found) for result in complete)
    return [
        f"{len(results)} ({len(complete)})",
        errors,
        _percent(sum(hit for hit, _ in words), sum(number for _, number in words)),
        _percent(sum(hits for hits, _ in matched), sum(len(result.page["lines"]) for result in results)),
        _percent(sum(spurious), found),
        f"{np.mean([result.seconds for result in results]):.2f}",
    ]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def word_recall(page: dict[str, Any], found: Found) -> tuple[int, int]:
    """Returns how many of a page's given words were read, and how many there are."""
    given = Counter(word for line in page["lines"] for word in line["text"].split())
    read = Counter(word for text, _ in found for word in text.split())
    return (given & read).total(), given.total()


def line_matches(page: dict[str, Any], found: Found) -> tuple[int, int]:
    """Returns how many given lines a found one covers, and how many found ones cover none."""
    given = [(x, y, x + w, y + h) for x, y, w, h in (line["box"] for line in page["lines"])]
    table = np.array([[_iou(one, box) for _, box in found] for one in given]).reshape(len(given), len(found))
    covered = table >= LEAST_IOU
    return int(covered.any(axis=1).sum()), int((~covered.any(axis=0)).sum())


def _iou(one: Box, two: Box) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (one, two))
    return shared / (areas - shared) if areas > shared else 0.0


if __name__ == "__main__":
    sys.exit(main())

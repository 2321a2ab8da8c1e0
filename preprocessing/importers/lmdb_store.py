"""Reads the LMDB of deep-text-recognition-benchmark, which PaddleOCR, PARSeq and others share.

Keys: `num-samples`, and from 1 on `image-000000001` (an image file) and `label-000000001` (UTF-8).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, write_new
from preprocessing.labels import Word
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError, shorten
from utils.log import progress_bar

try:
    import lmdb
except ImportError:  # Only this format needs it.
    lmdb = None  # type: ignore[assignment]

DATA_FILE = "data.mdb"
SIGNATURES = {b"\xff\xd8": ".jpg", b"BM": ".bmp", b"II*\x00": ".tif", b"MM\x00*": ".tif", b"RIFF": ".webp"}


def read_lmdb(folder: Path, output: Path) -> KeptAndDropped:
    """Writes the images of an LMDB to `output`; returns the words, file names relative to it, and those left out.

    Raises UserError if the LMDB can't be read or is of another kind, or the package lmdb is missing.
    """
    if lmdb is None:
        raise UserError(f"{folder} is an LMDB, for which the package lmdb is missing; install it: `pip install lmdb`.")
    records, dropped = [], []
    try:
        with _open(folder) as environment, environment.begin(buffers=False) as values:
            for number in progress_bar(_numbers(values, folder), desc="Unpacking", unit="word"):
                image, label = values.get(b"image-%09d" % number), values.get(b"label-%09d" % number)
                decoded = (label or b"").decode("utf-8", errors="replace")
                text = normalize_label(decoded.strip())
                if image is None or label is None:
                    dropped.append(Dropped(f"image-{number:09}", text, f"missing {'label' if image else 'image'}"))
                    continue
                if decoded.encode() != label:
                    dropped.append(Dropped(f"label-{number:09}", text, "label not UTF-8"))
                    continue
                filename = f"{number:09}{_ending(image)}"
                write_new(output / filename, image)
                records.append(LabelledWord(Word(filename, text)))
    except lmdb.Error as error:
        raise UserError(f"{folder / DATA_FILE} can't be read ({shorten(error)}); copy it again.") from None
    return records, dropped


def _open(folder: Path) -> Any:
    environment = lmdb.open(str(folder), readonly=True, lock=False, create=False, readahead=False, max_dbs=0)
    # Beyond the end of a mapped file the system would kill the process.
    least = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if (folder / DATA_FILE).stat().st_size < least:
        environment.close()
        raise UserError(f"{folder / DATA_FILE} is truncated; copy it again.")
    return environment


def _numbers(values: Any, folder: Path) -> Iterator[int]:
    count = values.get(b"num-samples") or b""
    if not count.isdigit() or len(count) > 9:
        raise UserError(f"{folder / DATA_FILE} has no num-samples; it must be an LMDB of images and labels.")
    return iter(range(1, int(count) + 1))


def _ending(image: bytes) -> str:
    """Returns the usual ending of an image file's format; of unknown ones that of PNG."""
    return next((ending for start, ending in SIGNATURES.items() if image.startswith(start)), ".png")

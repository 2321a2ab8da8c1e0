"""Reads pictures with their text beside them: line.png with line.gt.txt, as OCRopus, kraken and tesstrain write."""

from pathlib import Path

from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, read_text
from preprocessing.labels import Word
from preprocessing.tokenizer import normalize_label
from preprocessing.word_image import IMAGE_ENDINGS
from utils.errors import UserError

ENDING = ".gt.txt"
# Variants of one picture: OCRopus' binarised and normalised ones; the plain one is taken if there is one.
VARIANTS = ("", ".nrm", ".bin")


def read_pairs(folder: Path) -> KeptAndDropped:
    """Returns the texts below `folder` with their pictures, and the texts without one; UserError if there is none."""
    texts = sorted(folder.rglob(f"*{ENDING}"))
    if not texts:
        raise UserError(f"{folder} has no {ENDING} files; name the folder that holds them.")
    records, dropped = [], []
    for path in texts:
        label = normalize_label(read_text(path).strip())
        image = _image_of(path)
        if image is None:
            dropped.append(Dropped(path.relative_to(folder).as_posix(), label, "missing image"))
        else:
            records.append(LabelledWord(Word(image.relative_to(folder).as_posix(), label)))
    return records, dropped


def _image_of(path: Path) -> Path | None:
    stem = path.name.removesuffix(ENDING)
    for variant in VARIANTS:
        for ending in IMAGE_ENDINGS:
            for image in (path.with_name(f"{stem}{variant}{ending}"), path.with_name(f"{stem}{variant}{ending.upper()}")):
                if image.is_file():
                    return image
    # Some tools keep the picture's own ending: line.png.gt.txt.
    whole = path.with_name(stem)
    return whole if whole.suffix.lower() in IMAGE_ENDINGS and whole.is_file() else None

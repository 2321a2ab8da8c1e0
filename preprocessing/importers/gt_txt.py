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
    names = [f"{stem}{variant}{ending}" for variant in VARIANTS for ending in IMAGE_ENDINGS]
    # Some tools keep the picture's own ending: line.png.gt.txt.
    names += [stem] if Path(stem).suffix.lower() in IMAGE_ENDINGS else []
    found = {file.name.lower(): file for file in path.parent.iterdir() if file.name.startswith(stem)}
    return next((found[name.lower()] for name in names if name.lower() in found), None)

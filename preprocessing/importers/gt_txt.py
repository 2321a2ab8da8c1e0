"""Reads pictures with their text beside them: line.png with line.gt.txt, as OCRopus, kraken and tesstrain write."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from preprocessing.image_file import IMAGE_ENDINGS
from preprocessing.importers.folders import listings, nfc
from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord, read_text
from preprocessing.labels import Word
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError

ENDING = ".gt.txt"
# Variants of one picture: OCRopus' binarised and normalised ones; the plain one is taken if there is one.
VARIANTS = ("", ".nrm", ".bin")


def read_pairs(folder: Path, follow_links: bool = False) -> KeptAndDropped:
    """Returns the texts below `folder` with their pictures, and the texts without one; UserError if there is none."""
    records, dropped = [], []
    for path, names in listings(folder, follow_links):
        # Texts that were written on a Mac may have their names in another Unicode form than the pictures.
        found = {nfc(_key(name)): name for name in names} | {_key(name): name for name in names}
        for name in names:
            if not name.lower().endswith(ENDING):
                continue
            label = normalize_label(read_text(path / name).strip())
            place = path.relative_to(folder)
            if image := _image_of(name[: -len(ENDING)], found):
                records.append(LabelledWord(Word((place / image).as_posix(), label)))
            else:
                hint = f"no picture in {path} has its name"
                dropped.append(Dropped((place / name).as_posix(), label, "missing image", hint))
    if not records and not dropped:
        raise UserError(f"{folder} has no {ENDING} files; name the folder that holds them.")
    return records, dropped


def _image_of(stem: str, found: Mapping[str, str]) -> str | None:
    """Returns the picture of a text, of a folder's names by their keys."""
    for own in (stem, nfc(stem), nfc(unquote(stem))):
        names = [f"{own}{variant}{ending}" for variant in VARIANTS for ending in IMAGE_ENDINGS]
        # Some tools keep the picture's own ending: line.png.gt.txt.
        names += [_key(own)] if Path(own).suffix.lower() in IMAGE_ENDINGS else []
        if image := next((found[name] for name in names if name in found), None):
            return image
    return None


def _key(name: str) -> str:
    """Returns a file's name with its ending in lower case, since a.PNG goes with a.gt.txt, but A.png does not."""
    return f"{Path(name).stem}{Path(name).suffix.lower()}"

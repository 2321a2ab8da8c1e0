"""Recognises the format of labelled words or lines, and reads them: one importer a format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preprocessing.importers import iam
from preprocessing.importers.gt_txt import ENDING, read_pairs
from preprocessing.importers.labelled_word import Dropped, LabelledWord
from preprocessing.importers.pages import cut_pages
from preprocessing.importers.table import read_table
from utils.config.image import ImageConfig
from utils.errors import UserError

HUGGING_FACE = ("metadata.csv", "metadata.jsonl")


@dataclass(frozen=True)
class Source:
    """Where labelled words or lines are.

    Attributes:
        path: a table, or a folder in one of FORMATS.
        images: folder to which a table's file names are relative (None: the table's own), or into which lines of pages
            are cut.
        forms_file: IAM's forms.txt; None: the one in the folder.
        needs_writers: whether IAM's forms.txt has to be there.
        image: limits of the pictures.
    """

    path: Path
    images: Path | None
    forms_file: Path | None
    needs_writers: bool
    image: ImageConfig


# Folder of the images, words, and words that are left out.
Imported = tuple[Path, list[LabelledWord], list[Dropped]]


def read_source(source: Source, form: str | None) -> Imported:
    """Reads a source in a format, or in the one that it is recognised by; UserError if it can't be read."""
    return FORMATS[form or recognise(source.path)](source)


def recognise(path: Path) -> str:
    """Returns the name of a source's format; UserError if it has none of them."""
    if path.is_file():
        return "table"
    if not path.is_dir():
        raise UserError(f"{path} does not exist; name a table, or a folder in one of the formats {', '.join(FORMATS)}.")
    if (path / "words.txt").exists():
        return "iam"
    if any((path / name).exists() for name in HUGGING_FACE):
        return "table"
    if next(path.rglob(f"*{ENDING}"), None):
        return "gt_txt"
    if next(path.rglob("*.xml"), None):
        return "pages"
    known = f"words.txt (IAM), {' or '.join(HUGGING_FACE)} (Hugging Face), *{ENDING} or *.xml (PAGE, ALTO)"
    raise UserError(f"{path} holds no {known}; name the folder that does, or a table.")


def _read_iam(source: Source) -> Imported:
    images = _folder(source.path / "words", "the images of IAM's words")
    forms_file = source.forms_file or source.path / "forms.txt"
    # Only a split by writer needs the file; the other splits note the writers when they can.
    wanted = source.forms_file or source.needs_writers or forms_file.exists()
    writers = iam.read_writers(forms_file) if wanted else {}
    records, dropped = iam.read_words(source.path / "words.txt", writers)
    return images, iam.in_layout_of(images, records), dropped


def _read_table(source: Source) -> Imported:
    path = source.path
    if path.is_dir():
        path = next((path / name for name in HUGGING_FACE if (path / name).exists()), path / HUGGING_FACE[0])
    return _folder(source.images or path.parent, "the images of the table"), read_table(path), []


def _read_pairs(source: Source) -> Imported:
    return source.path, *read_pairs(_folder(source.path, "the pictures and their texts"))


def _read_pages(source: Source) -> Imported:
    if source.images is None:
        raise UserError("Lines of pages are cut into pictures; name a folder for them with --images.")
    return source.images, *cut_pages(_folder(source.path, "the pages"), source.images, source.image)


def _folder(path: Path, content: str) -> Path:
    if not path.is_dir():
        raise UserError(f"{path} is not a folder; it should hold {content}.")
    return path


FORMATS: dict[str, Callable[[Source], Imported]] = {
    "iam": _read_iam,
    "table": _read_table,
    "gt_txt": _read_pairs,
    "pages": _read_pages,
}

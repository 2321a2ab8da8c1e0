"""Recognises the format of labelled words or lines, and reads them: one importer a format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preprocessing.importers import iam
from preprocessing.importers.folder_tables import NAMES, read_tables, tables_in
from preprocessing.importers.folders import has_ending, listings
from preprocessing.importers.gt_txt import ENDING, read_pairs
from preprocessing.importers.labelled_word import Dropped, KeptAndDropped, LabelledWord
from preprocessing.importers.lmdb_store import DATA_FILE, read_lmdb
from preprocessing.importers.pages import cut_pages
from preprocessing.importers.table import read_table
from utils.config.image import ImageConfig
from utils.errors import UserError


@dataclass(frozen=True)
class Source:
    """Where labelled words or lines are.

    Attributes:
        path: a table, or a folder in one of FORMATS.
        images: folder to which a table's file names are relative (None: the table's own), or into which lines of pages
            are cut or an LMDB is unpacked.
        pictures: folder of the pages' pictures, if they are elsewhere than beside the files.
        forms_file: IAM's forms.txt; None: the one in the folder.
        needs_writers: whether IAM's forms.txt has to be there.
        image: limits of the pictures.
        follow_links: whether linked folders are searched for IAM's pictures, for texts beside their pictures and for
            pages.
    """

    path: Path
    images: Path | None
    pictures: Path | None
    forms_file: Path | None
    needs_writers: bool
    image: ImageConfig
    follow_links: bool = False


# Formats with the images in a place of their own.
OF_IAM = ("iam", "iam_lines")
HOLD_IMAGES = (*OF_IAM, "gt_txt")
# Folder of the images, words, and words that are left out.
Imported = tuple[Path, list[LabelledWord], list[Dropped]]


def read_source(source: Source, form: str) -> Imported:
    """Reads a source in one of FORMATS; UserError if it can't be read."""
    if source.images and form in HOLD_IMAGES:
        raise UserError(f"--images is not used with format {form}, whose images are in {source.path}; leave it out.")
    if source.pictures and form != "pages":
        raise UserError(f"--pictures is not used with format {form}, but with PAGE and ALTO; leave it out.")
    return FORMATS[form](source)


def recognise(path: Path, follow_links: bool = False) -> str:
    """Returns the name of a source's format; UserError if it has none of them."""
    if path.is_file():
        return "lmdb" if path.name == DATA_FILE else "pages" if path.suffix.lower() == ".xml" else "table"
    if not path.is_dir():
        raise UserError(f"{path} does not exist; name a table, or a folder in one of the formats {', '.join(FORMATS)}.")
    words, lines = (_holds_iam(path, kind) for kind in ("words", "lines"))
    if words:
        return "iam_lines" if lines and (path / "lines").is_dir() and not (path / "words").is_dir() else "iam"
    if lines:
        return "iam_lines"
    if (path / DATA_FILE).exists():
        return "lmdb"
    if tables_in(path):
        return "table"
    if has_ending(path, ENDING, follow_links):
        return "gt_txt"
    if has_ending(path, ".xml", follow_links):
        return "pages"
    for kind, form in zip(("words", "lines"), OF_IAM):
        if _iam_file(path, f"{kind}.txt").exists():
            return form  # whose importer names what it lacks
    for _ in listings(path, follow_links):  # names the linked folders
        pass
    known = f"words.txt or lines.txt (IAM), {', '.join(NAMES)}, {DATA_FILE}, *{ENDING} or *.xml (PAGE, ALTO)"
    raise UserError(f"{path} holds no {known}; name the folder that does, or a table.")


def _read_iam(source: Source) -> Imported:
    return _iam_of(source, "words", iam.read_words)


def _read_iam_lines(source: Source) -> Imported:
    return _iam_of(source, "lines", iam.read_lines)


def _iam_of(source: Source, kind: str, read: Callable[[Path, dict[str, str]], KeptAndDropped]) -> Imported:
    images = _folder(source.path / kind, f"the images of IAM's {kind}")
    forms_file = source.forms_file or _iam_file(source.path, "forms.txt")
    # Only a split by writer needs the file; the other splits note the writers when they can.
    wanted = source.forms_file or source.needs_writers or forms_file.exists()
    writers = iam.read_writers(forms_file) if wanted else {}
    records, dropped = read(_iam_file(source.path, f"{kind}.txt"), writers)
    return images, iam.with_files_in(images, records, source.follow_links), dropped


def _holds_iam(folder: Path, kind: str) -> bool:
    """Whether a folder has IAM's words or lines; other data, too, may have a list of words called words.txt."""
    path = _iam_file(folder, f"{kind}.txt")
    return path.exists() and ((folder / kind).is_dir() or iam.has_entries(path))


def _iam_file(folder: Path, name: str) -> Path:
    """Returns the path of a file of IAM, which its archive `ascii.tgz` unpacks into a folder of its own."""
    inner = folder / "ascii" / name
    return inner if inner.exists() and not (folder / name).exists() else folder / name


def _read_table(source: Source) -> Imported:
    path = source.path
    if not path.is_dir():
        images = _folder(source.images or path.parent, "the images of the table")
        return images, read_table(path, images), []
    tables = tables_in(path)
    if not tables:
        raise UserError(f"{path} is a folder without {', '.join(NAMES)}; name the table itself.")
    return _folder(source.images or path, "the images of the table"), read_tables(path, tables), []


def _read_lmdb(source: Source) -> Imported:
    if source.images is None:
        raise UserError("An LMDB is unpacked into image files; name a folder for them with --images.")
    # Some tools name the file, not its folder.
    folder = source.path.parent if source.path.name == DATA_FILE else source.path
    return source.images, *read_lmdb(_folder(folder, DATA_FILE), source.images)


def _read_pairs(source: Source) -> Imported:
    return source.path, *read_pairs(_folder(source.path, "the pictures and their texts"), source.follow_links)


def _read_pages(source: Source) -> Imported:
    if source.images is None:
        raise UserError("Lines of pages are cut into pictures; name a folder for them with --images.")
    if source.pictures:
        _folder(source.pictures, "the pictures of the pages")
    path = source.path if source.path.is_file() else _folder(source.path, "the pages")
    return source.images, *cut_pages(path, source.images, source.image, source.pictures, source.follow_links)


def _folder(path: Path, content: str) -> Path:
    if not path.is_dir():
        raise UserError(f"{path} is not a folder; it should hold {content}.")
    return path


FORMATS: dict[str, Callable[[Source], Imported]] = {
    "iam": _read_iam,
    "iam_lines": _read_iam_lines,
    "table": _read_table,
    "gt_txt": _read_pairs,
    "pages": _read_pages,
    "lmdb": _read_lmdb,
}

"""The three lists beside the rendered words: words.txt and forms.txt in IAM's format, labels.json."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from data_generators.synthetic import SPLITS, WORDS_PER_FORM, WORDS_PER_LINE
from utils.files import atomic_write

_WORDS_HEADER = """\
#--- words.txt ---------------------------------------------------------------#
#
# rendered words, in the format of the IAM database
#
# format: s00-000-00-00 ok 154 408 768 27 51 XX A
#
#     s00-000-00-00   -> word id for line 00 in form s00-000
#     ok              -> result of word segmentation
#     154             -> graylevel to binarize the line containing this word
#     408 768 27 51   -> bounding box around this word in x,y,w,h format
#     XX              -> the grammatical tag for this word (here always XX)
#     A               -> the transcription for this word
#
"""
_FORMS_HEADER = """\
#--- forms.txt --------------------------------------------------------------#
#
# rendered forms, in the format of the IAM database
#
# format: s00-000 000 3 all 3 3 24 24
#
#     s00-000   -> form id
#     000       -> writer id (one per font)
#     3         -> number of sentences (here of lines)
#     all       -> word segmentation
#     3 3       -> lines, and lines correctly segmented into words
#     24 24     -> words, and words in those lines
#
"""


class Word(NamedTuple):
    """One rendered word, placed on the page of its form (pixels)."""

    name: str  # s00-000-00-00
    label: str
    writer: str
    x: int
    y: int
    width: int
    height: int

    @property
    def form(self) -> str:
        """The form's id, such as s00-000."""
        return self.name[: -len("-00-00")]

    @property
    def filename(self) -> str:
        """Path below words/, as in IAM: s00/s00-000/s00-000-00-00.png."""
        return f"{self.form.split('-')[0]}/{self.form}/{self.name}.png"


def write_lists(folder: Path, num_words: dict[str, int], words: Iterator[Word]) -> None:
    """Writes the lists as the words arrive, so that memory does not grow with their number.

    Args:
        folder: of the dataset.
        num_words: how many of `words` belong to each split.
        words: the splits one after the other, in the order of `SPLITS`.

    Raises:
        UserError: a list can't be written. The old lists are then still there.
    """
    with contextlib.ExitStack() as stack:
        # The files are put in place in reverse order: labels.json last.
        labels, forms_list, words_list = (
            stack.enter_context(open(stack.enter_context(atomic_write(folder / name)), "w", encoding="utf-8"))
            for name in ("labels.json", "forms.txt", "words.txt")
        )
        forms_list.write(_FORMS_HEADER)
        words_list.write(_WORDS_HEADER)
        for position, split in enumerate(SPLITS):
            labels.write(("{\n" if position == 0 else ",\n") + f'"{split}": [\n')
            for index in range(num_words[split]):
                word = next(words)
                box = f"{word.x} {word.y} {word.width} {word.height}"
                words_list.write(f"{word.name} ok 154 {box} XX {word.label}\n")
                entry = {"filename": word.filename, "label": word.label, "writer": word.writer}
                labels.write(("" if index == 0 else ",\n") + json.dumps(entry, ensure_ascii=False))
                if index % WORDS_PER_FORM == 0:
                    _write_form(forms_list, word, min(WORDS_PER_FORM, num_words[split] - index))
            labels.write("\n]")
        labels.write("\n}\n")


def _write_form(forms_list: TextIO, word: Word, count: int) -> None:
    lines = -(-count // WORDS_PER_LINE)
    forms_list.write(f"{word.form} {word.writer} {lines} all {lines} {lines} {count} {count}\n")

"""Corrected lines as a dataset that training and create_labels take: labels.json, and the same as a table."""

import json
import threading
import unicodedata
from pathlib import Path
from typing import Any

from preprocessing.labels import BLANK, LABELS_FILE, SPLITS, is_text, read_labels
from preprocessing.tokenizer import normalize_label
from trainers.adaptation import HELD_BACK
from utils.errors import UserError, shorten
from utils.files import write_json, write_text
from utils.locks import corrections_lock

TABLE = "labels.tsv"
PARTS = (*SPLITS, BLANK)
LONGEST = 1000  # characters of a text

Labels = dict[str, list[dict[str, str]]]


class ConflictError(Exception):
    """Another tab or process has saved a line since; `saved` is its text, None if it has taken one back."""

    def __init__(self, saved: str | None) -> None:
        super().__init__(saved)
        self.saved = saved


class Corrections:
    """The labels of a folder; several threads and processes may change them at once.

    Raises UserError if the labels are damaged or the folder can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        with corrections_lock(folder):
            if (folder / LABELS_FILE).exists():
                read_labels(folder / LABELS_FILE)
                # A process that was killed may have written the one file but not yet the other.
                self._write_table(self._read())

    def texts(self) -> dict[str, str]:
        """Returns the saved text of each picture, by its path in the folder; empty where a line holds no text."""
        labels = self._read()
        return {entry["filename"]: entry["label"] for split in PARTS for entry in labels[split]}

    def counts(self) -> dict[str, int]:
        """Returns the number of lines of each split whose pictures are there."""
        labels = self._read()
        return {split: sum(map(self._has_picture, labels[split])) for split in PARTS}

    def held_back(self) -> dict[str, str]:
        """Returns the saved texts of the pictures for validation; of deleted ones no model could read anything."""
        return {entry["filename"]: entry["label"] for entry in self._read()["val"] if self._has_picture(entry)}

    def save(self, name: str, text: str | None, before: str | None) -> str | None:
        """Saves the text of a picture, on disk when this returns; None takes a saved text back. Returns what is saved.

        Args:
            name: path of the picture in the folder.
            text: "" for a line that holds no text.
            before: the saved text that the caller knows of.

        Raises:
            ConflictError: another text has been saved since.
            ValueError: the text is no line of text.
        """
        text = None if text is None else line_text(text)
        with self._lock, corrections_lock(self.folder):
            labels = self._read()
            split, place = _find(labels, name)
            saved = labels[split][place]["label"] if split else None
            if saved not in (before, text):
                raise ConflictError(saved)
            if saved != text:
                _put(labels, name, text, split, place)
                write_json(self.folder / LABELS_FILE, labels, indent=1)
                self._write_table(labels)
        return text

    def _read(self) -> Labels:
        """Returns the entries of each split, and all else in the file, which is kept."""
        try:
            content = json.loads((self.folder / LABELS_FILE).read_bytes())
        except FileNotFoundError:
            content = {}
        except ValueError as error:  # Somebody has edited it.
            raise UserError(f"{self.folder / LABELS_FILE} is not valid JSON: {shorten(error)}.") from None
        if not isinstance(content, dict) or not all(_is_split(content.get(split, [])) for split in PARTS):
            shape = '{"train": [{"filename", "label"}, ...], ...}'
            raise UserError(f"{self.folder / LABELS_FILE} is not {shape}; restore it.")
        return {**content, **{split: content.get(split, []) for split in PARTS}}

    def _has_picture(self, entry: dict[str, str]) -> bool:
        return (self.folder / entry["filename"]).is_file()

    def _write_table(self, labels: Labels) -> None:
        rows = [("filename", "label", "split")]
        for split in SPLITS:
            rows += [(entry["filename"], _quoted(entry["label"]), split) for entry in labels[split]]
        write_text(self.folder / TABLE, "".join("\t".join(row) + "\n" for row in rows))


def line_text(text: str) -> str:
    """Returns a label: NFC, plain blanks, none at its ends; ValueError if it is too long or no line of text."""
    text = "".join(" " if unicodedata.category(char) == "Zs" else char for char in normalize_label(text)).strip(" ")
    if len(text) > LONGEST or not is_text(text) or any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
        raise ValueError(f"a line has at most {LONGEST} characters and no line breaks, tabs or control characters")
    return text


def _is_split(entries: Any) -> bool:
    """Whether a value of the labels file is a list of entries."""
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("filename"), str) and isinstance(entry.get("label"), str)
        for entry in entries
    )


def _find(labels: Labels, name: str) -> tuple[str, int]:
    """Returns split and place of a picture; ("", -1) if it has no text."""
    for split in PARTS:
        for place, entry in enumerate(labels[split]):
            if entry["filename"] == name:
                return split, place
    return "", -1


def _put(labels: Labels, name: str, text: str | None, split: str, place: int) -> None:
    """Replaces, adds or removes a text; a changed one keeps its split."""
    if text and split not in ("", BLANK):
        labels[split][place]["label"] = text
        return
    if split:
        del labels[split][place]
    if text is None:
        return
    number = len(labels["train"]) + len(labels["val"]) + 1
    held_back = HELD_BACK * (len(labels["val"]) + 1) <= number
    labels[("val" if held_back else "train") if text else BLANK].append({"filename": name, "label": text})


def _quoted(label: str) -> str:
    """Returns a label for a TSV, whose readers take off the quotes around it."""
    return '"{}"'.format(label.replace('"', '""')) if len(label) > 2 and label[0] == label[-1] == '"' else label

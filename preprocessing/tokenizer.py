"""Converts text to ids, in the order in which they are written, and back.

Special ids are outside the charset, so labels may contain any character.
"""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from preprocessing import text_direction
from utils.config.text import Direction
from utils.errors import UserError

PAD, START, END = 0, 1, 2
NUM_SPECIAL = 3


def normalize_label(text: str) -> str:
    """Returns `text` in Unicode NFC, in which labels are trained on, predicted and compared."""
    return unicodedata.normalize("NFC", text)


class Tokenizer:
    """Maps labels to ids: 0 is PAD, 1 START, 2 END, and the characters of the charset follow in order.

    A character is a code point, so a combining mark without a composed form is one of its own. Ids follow each other as
    characters do in the picture, from left to right, also where `direction` is rtl (`text_direction.py`); the charset
    then gets the mirrored forms of its brackets. Raises UserError if the charset is empty, repeats a character or holds
    one that NFC would replace, or if rtl lacks python-bidi.
    """

    def __init__(self, charset: str, direction: Direction = "ltr") -> None:
        self.direction, self.is_rtl = direction, direction == "rtl"
        if self.is_rtl:
            text_direction.check_installed()
            charset = text_direction.with_mirrored(charset)
        self._is_mirror_writing = self.is_rtl and not text_direction.is_right_to_left(charset)
        if not charset:
            raise UserError("The charset is empty; give it at least one character, or train on labels.")
        repeated = sorted({char for char in charset if charset.count(char) > 1})
        if repeated:
            raise UserError(f"The charset repeats {_listed(repeated)}; name each character once.")
        if any(unicodedata.category(char) == "Cs" for char in charset):
            raise UserError("The charset holds half a character (a lone surrogate); take it out.")
        # By character, since neighbours in the charset ("z" before an accent) may compose.
        replaced = sorted(char for char in charset if normalize_label(char) != char)
        if replaced:
            raise UserError(
                f"The charset holds {_listed(replaced)}, which no label in Unicode NFC contains; "
                f"write {_listed(sorted({normalize_label(char) for char in replaced}))} instead."
            )
        self.charset = charset
        self._ids = {char: index for index, char in enumerate(charset, start=NUM_SPECIAL)}

    @classmethod
    def from_labels(cls, labels: Iterable[str], direction: Direction = "ltr") -> "Tokenizer":
        """Returns a tokenizer for the sorted characters of the NFC-normalised labels."""
        return cls("".join(sorted(set().union(*map(normalize_label, labels)))), direction)

    @property
    def vocabulary_size(self) -> int:
        """Number of ids including the three special ones; ids are in [0, vocabulary_size)."""
        return NUM_SPECIAL + len(self.charset)

    def written(self, text: str) -> str:
        """Returns a text in NFC with its characters in the order of their ids."""
        text = normalize_label(text)
        if self._is_mirror_writing:
            return text_direction.mirror_written(text)[0]
        return text_direction.visual(text) if self.is_rtl else text

    def encode(self, label: str) -> list[int]:
        """Returns the ids of a label's characters, in NFC, without START and END; UserError for unknown characters."""
        label = self.written(label)
        try:
            return [self._ids[char] for char in label]
        except KeyError:
            unknown = sorted(set(label) - self._ids.keys())
            raise UserError(
                f"Label {label!r} contains {_listed(unknown)}, not in the charset; "
                "add to network.charset or leave the word out."
            ) from None

    def encode_batch(self, labels: Sequence[str], length: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns decoder_input, START + label, and decoder_target, label + END, of a teacher-forced decoder.

        Both are int32 (batch, length), padded with PAD; `length` None is the longest label plus one. Raises UserError
        if a label contains characters outside the charset or more than length - 1 of them.
        """
        encoded = [self.encode(label) for label in labels]
        if length is None:
            length = max(map(len, encoded), default=0) + 1
        decoder_input = np.full((len(encoded), length), PAD, np.int32)
        decoder_target = np.full((len(encoded), length), PAD, np.int32)
        for row, ids in enumerate(encoded):
            if len(ids) >= length:
                raise UserError(
                    f"Label {labels[row]!r} has {len(ids)} characters, but {length} steps hold at most "
                    f"{length - 1} and the end: raise network.max_seq_length or leave the word out."
                )
            decoder_input[row, : len(ids) + 1] = [START, *ids]
            decoder_target[row, : len(ids) + 1] = [*ids, END]
        return decoder_input, decoder_target

    def refused_ids(self, characters: str) -> np.ndarray:
        """Returns which ids (vocabulary_size,) a text of these characters can't have, bool; END is always possible.

        With rtl a bracket permits its mirrored form, too. Raises UserError if one of them is not in the charset.
        """
        if self.is_rtl:
            characters = text_direction.with_mirrored(normalize_label(characters))
        if unknown := sorted(set(normalize_label(characters)) - self._ids.keys()):
            raise UserError(f"The model can't write {_listed(unknown)}; take it out of predict.characters.")
        refused = np.ones(self.vocabulary_size, bool)
        refused[[END, *self.encode(characters)]] = False
        return refused

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the NFC text of `ids` up to END or PAD, without START; ValueError if not in [0, vocabulary_size)."""
        text = []
        for index in map(int, ids):
            if index in (PAD, END):
                break
            if not 0 <= index < self.vocabulary_size:
                raise ValueError(f"id {index} is outside [0, {self.vocabulary_size})")
            if index != START:
                text.append(self.charset[index - NUM_SPECIAL])
        return normalize_label(self._logical("".join(text))[0] if self.is_rtl else "".join(text))

    def reading_order(self, ids: Sequence[int] | np.ndarray) -> Sequence[int]:
        """Returns the places of `ids`, all of characters, in the order in which `decode` gives these characters."""
        if not self.is_rtl:
            return range(len(ids))
        return self._logical("".join(self.charset[index - NUM_SPECIAL] for index in ids))[1]

    def _logical(self, written: str) -> text_direction.Ordered:
        return (text_direction.mirror_written if self._is_mirror_writing else text_direction.logical)(written)


def _listed(characters: Iterable[str]) -> str:
    return ", ".join(map(repr, characters))

"""Puts the characters of right-to-left labels in their order in the picture, and back.

Pictures are read from left to right, so right-to-left text is learned and written in visual order. Both ways use the
Unicode Bidirectional Algorithm (UAX #9) of python-bidi with a right-to-left paragraph: numbers and Latin words keep
their own order within it, and brackets are mirrored. Marks stay behind their letter. Where a charset has no letter of
a right-to-left script, the writing is mirror writing: every character goes from right to left.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from utils.errors import UserError

try:
    from bidi import algorithm
    from bidi.mirror import MIRRORED
except ImportError:  # Only right-to-left text needs it.
    algorithm, MIRRORED = None, {}

# Classes without a direction of their own: they stay after the character that they follow.
ATTACHED = {"NSM", "BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
# Replacements for classes at the beginning, with no character to follow, and for those the library does not expect.
REPLACED = {**dict.fromkeys([*ATTACHED, ""], "ON"), "B": "WS"}
RIGHT_TO_LEFT = 1  # the paragraph's level

# A text, and the place in the original of each of its characters.
Ordered = tuple[str, list[int]]


def check_installed() -> None:
    """Raises UserError if python-bidi is not installed."""
    if algorithm is None:
        raise UserError("text.direction rtl needs python-bidi; install it with `pip install python-bidi`.")


def with_mirrored(characters: str) -> str:
    """Returns `characters` and, behind them, the mirrored forms that they lack, such as `)` for `(`."""
    return characters + "".join(MIRRORED[c] for c in characters if MIRRORED.get(c, c) not in characters)


def is_right_to_left(characters: str) -> bool:
    """Returns whether one of them belongs to a right-to-left script."""
    return any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in characters)


@lru_cache(maxsize=2**16)
def mirror_written(text: str) -> Ordered:
    """Returns a text of mirror writing in visual order, or one in visual order in logical order; see `logical`."""
    classes = [unicodedata.bidirectional(char) for char in text]
    return _ordered(text, [one if one in ATTACHED else "R" for one in classes])


@lru_cache(maxsize=2**16)
def visual(text: str) -> str:
    """Returns a text in logical order (NFC) as its characters follow each other from left to right."""
    return _ordered(text, [unicodedata.bidirectional(char) for char in text])[0]


@lru_cache(maxsize=2**16)
def logical(text: str) -> Ordered:
    """Returns a text in visual order in logical order, and the place in `text` of each of its characters.

    Without Latin letters this inverts `visual`, except for rare orders of signs around numbers. Two orders may look
    alike: a number before a Latin word in right-to-left text looks like the number after that word, and is returned as
    such.
    """
    classes = [unicodedata.bidirectional(char) for char in text]
    # Digits that follow Arabic letters don't join signs such as % and - (rule W2); in visual order those are to their
    # right. Where Latin letters have come between, they do.
    european = ["R" if one == "AL" else one for one in classes]
    choices = [_ordered(text, one) for one in (_numbers_of_context(classes), european)]
    return next((choice for choice in choices if visual(choice[0]) == text), choices[0])


def _numbers_of_context(classes: list[str]) -> list[str]:
    result, strong = [], "R"
    for one in reversed(classes):
        if one in ("L", "R", "AL"):
            strong = one
        result.append("R" if one == "AL" else "AN" if one == "EN" and strong == "AL" else one)
    return result[::-1]


def _ordered(text: str, classes: Sequence[str]) -> Ordered:
    """Returns the text in display order for these bidirectional classes of its characters."""
    starts = [i for i in range(len(text)) if i == 0 or classes[i] not in ATTACHED]
    chars: list[dict[str, Any]] = []
    for start, end in zip(starts, [*starts[1:], len(text)]):
        kind = REPLACED.get(classes[start], classes[start])
        places = range(start, end)
        chars.append({"ch": text[start], "level": RIGHT_TO_LEFT, "type": kind, "orig": kind, "places": places})
    storage = {**algorithm.get_empty_storage(), "base_level": RIGHT_TO_LEFT, "base_dir": "R", "chars": chars}
    algorithm.calc_level_runs(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    algorithm.reorder_resolved_levels(storage, False)
    algorithm.apply_mirroring(storage, False)
    ordered = "".join(char["ch"] + text[char["places"].start + 1 : char["places"].stop] for char in chars)
    return ordered, [place for char in chars for place in char["places"]]

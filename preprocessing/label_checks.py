"""Finds suspicious characters in labels: invisible ones, lookalikes, mixed directions."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from preprocessing.labels import Word

# Of each script, the letters that look like one of another script.
LOOKALIKES = {
    "LATIN": set("ABCEHIJKMNOPSTXYZaceijopsxyhvudwq\u0131"),
    "CYRILLIC": set("АВСЕНІЈКМОРЅТХУаеіјорсухѕһԁԛԝѵ"),
    "GREEK": set("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονιυρκχ"),
}
# Letters and marks that are invisible, besides the categories of controls, formats and separators.
BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}


@dataclass(frozen=True)
class CharacterFinding:
    """Labels with something in common: the files, and how often each character in question occurs in them."""

    files: tuple[str, ...]
    characters: dict[str, int]


def invisible(words: Iterable[Word]) -> CharacterFinding:
    """Returns the labels with characters that show nothing (zero-width, soft hyphen, controls) or odd spaces."""
    return _collect((word, [char for char in word.label if _is_invisible(char)]) for word in words)


def mixed_directions(words: Iterable[Word]) -> CharacterFinding:
    """Returns the labels with letters of both directions, whose order in the file is easily wrong.

    The characters are those of the rarer direction.
    """
    return _collect((word, _rarer_direction(word.label)) for word in words)


def lookalikes(words: Sequence[Word]) -> CharacterFinding:
    """Returns the labels with letters that look like those of another script, such as a Cyrillic a in a Latin word.

    A letter counts if its word has other scripts, or if no label has an unmistakable letter of its script.
    """
    letters = Counter(char for word in words for char in word.label if _script(char))
    certain: Counter[str] = Counter()
    for char, count in letters.items():
        if not _is_lookalike(char):
            certain[_script(char)] += count
    return _collect((word, _foreign(word.label, certain)) for word in words)


def _foreign(label: str, certain: Counter[str]) -> list[str]:
    found = []
    for token in label.split():
        letters = [char for char in token if _script(char)]
        scripts = Counter(_script(char) for char in letters)
        own = Counter(_script(char) for char in letters if not _is_lookalike(char))
        if len(scripts) == 1 and (not certain or next(iter(scripts)) in certain):
            continue
        usual = max(own or scripts, key=lambda script: (own[script], scripts[script], certain[script]), default="")
        if len(scripts) == 1:
            usual = max(certain, key=certain.__getitem__)
        found += [char for char in letters if _is_lookalike(char) and _script(char) != usual]
    return found


def _rarer_direction(label: str) -> list[str]:
    by_direction: dict[bool, list[str]] = {False: [], True: []}
    for char in label:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL") and unicodedata.category(char)[0] == "L":
            by_direction[kind != "L"].append(char)
    return min(by_direction.values(), key=len)


def _collect(found: Iterable[tuple[Word, list[str]]]) -> CharacterFinding:
    pairs = [(word.filename, characters) for word, characters in found if characters]
    counts = Counter(char for _, characters in pairs for char in characters)
    return CharacterFinding(tuple(name for name, _ in pairs), dict(counts.most_common()))


def _is_invisible(char: str) -> bool:
    category = unicodedata.category(char)
    return char in BLANKS or category in ("Cf", "Cc", "Co", "Cn", "Zl", "Zp") or (category == "Zs" and char != " ")


def _is_lookalike(char: str) -> bool:
    return char in LOOKALIKES.get(_script(char), ())


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """Returns the script of a letter by its name, such as LATIN; nothing for other characters.

    Variants of a letter whose names begin differently (full-width, or superscript as in no. and Mme) are of its script.
    """
    if unicodedata.category(char)[0] != "L":
        return ""
    char = unicodedata.normalize("NFKD", char)[0]
    if unicodedata.category(char)[0] != "L" or unicodedata.category(char) == "Lm":
        return ""
    return unicodedata.name(char, "").partition(" ")[0]


def described(characters: dict[str, int]) -> Iterator[str]:
    """Yields each character with its code point, its name and how often it occurs."""
    for char, count in characters.items():
        yield f"U+{ord(char):04X} {unicodedata.name(char, 'unnamed').lower()} {count}"

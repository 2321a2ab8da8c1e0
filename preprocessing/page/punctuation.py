"""Sets commas and full stops of a page against their words, unless most of them stand apart."""

import re
from collections.abc import Sequence
from dataclasses import replace

from preprocessing.page.layout import Line, PageWord

# Other marks may stand apart, as in French.
_APART = re.compile(r"(?<=\w) (?=[.,](?: [^.,]|$))")
_ATTACHED = re.compile(r"\w[.,](?= |$)")


def attach_punctuation(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Returns a page's lines without blanks before commas and full stops, unless most of these marks have one.

    Models that learned from words cut apart, as IAM's, set some marks apart (`an hour , and`). A page is taken to have
    them all alike: the majority decides, and a tie attaches them.
    """
    apart = sum(len(_APART.findall(line.text)) for line in lines)
    if apart > sum(len(_ATTACHED.findall(line.text)) for line in lines):
        return tuple(lines)
    return tuple(_attached(line) for line in lines)


def _attached(line: Line) -> Line:
    """Returns a line without blanks before commas and full stops."""
    blanks = {match.start() for match in _APART.finditer(line.text)}
    starts = [match.start() for match in re.finditer(r"\S+", line.text)]
    words = list(line.words)
    if len(words) == len(starts):
        for i in range(len(words) - 1, 0, -1):
            if starts[i] - 1 in blanks:
                words[i - 1 : i + 1] = [_joined(words[i - 1], words[i], line.confidence or 0.0)]
    text = _APART.sub("", line.text)
    others = dict.fromkeys(_APART.sub("", other) for other in line.alternatives)
    return replace(
        line,
        text=text,
        words=tuple(words),
        character_confidences=tuple(p for i, p in enumerate(line.character_confidences) if i not in blanks),
        alternatives=tuple(other for other in others if other != text),
    )


def _joined(word: PageWord, mark: PageWord, least: float) -> PageWord:
    """Returns a word with the mark that follows it, in a box around both; `least` is the confidence of their line."""
    boxes = [(x, y, x + width, y + height) for x, y, width, height in (word.box, mark.box)]
    left, top = (min(box[i] for box in boxes) for i in (0, 1))
    right, bottom = (max(box[i] for box in boxes) for i in (2, 3))
    confidence = max(word.confidence * mark.confidence, least)
    return PageWord(word.text + mark.text, confidence, (left, top, right - left, bottom - top))

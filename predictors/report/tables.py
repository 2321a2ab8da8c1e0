"""The report's numbers as HTML tables. Every text that comes from data is escaped here."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from metrics.alignment import Pair
from predictors.report.statistics import Share

MOST_ROWS = 40


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of ready-made HTML cells, the first of each row its header; "" without rows."""
    lines = [
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    ]
    if not lines:
        return ""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "\n".join(lines)
    return (
        f"<table><caption>{escape(caption)}</caption>\n<thead><tr>{titles}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table>"
    )


def summary_table(rows: Mapping[str, tuple[float, tuple[float, float] | None]]) -> str:
    """Figures (fractions) with their 95 % intervals."""
    return table(
        "Summary",
        ["", "value", "95 % interval"],
        (
            [escape(name), f"{value:.2%}", f"{interval[0]:.2%} to {interval[1]:.2%}" if interval else ""]
            for name, (value, interval) in rows.items()
        ),
    )


def character_table(shares: Sequence[Share]) -> str:
    """The characters with most errors."""
    return table(
        "Errors by character (substituted or deleted)",
        ["character", "errors", "of", "rate"],
        (
            [visible(share.name), str(share.errors), str(share.count), f"{share.rate:.1%}"]
            for share in shares[:MOST_ROWS]
            if share.errors
        ),
    )


def confusion_tables(confusions: Counter[Pair], counts: Mapping[str, int]) -> str:
    """Substituted, deleted and inserted characters; each number is a button that shows its words.

    Args:
        counts: how often each character occurs in the labels.
    """
    kinds = {
        "Substituted": {pair: n for pair, n in confusions.items() if pair[0] and pair[1]},
        "Deleted": {pair: n for pair, n in confusions.items() if not pair[1]},
        "Inserted": {pair: n for pair, n in confusions.items() if not pair[0]},
    }
    return "\n".join(
        table(
            name,
            ["truth → reading", "times", "of the truth's"],
            (
                [
                    f"{visible(pair[0])} → {visible(pair[1])}",
                    f'<button type="button" class="confusion" data-truth="{escape(pair[0])}" '
                    f'data-read="{escape(pair[1])}">{count}</button>',
                    f"{count / counts[pair[0]]:.1%}" if pair[0] else "",
                ]
                for pair, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_ROWS]
            ),
        )
        for name, found in kinds.items()
    )


def visible(character: str) -> str:
    """A character as HTML that can be seen: nothing, spaces and bare accents have a stand-in."""
    if not character:
        return '<span class="nothing">nothing</span>'
    if character.isspace():
        return f"␣ <small>U+{ord(character):04X}</small>"
    if unicodedata.combining(character):
        return f"◌{escape(character)}"
    if not character.isprintable():
        return f"<small>U+{ord(character):04X}</small>"
    return f"<bdi>{escape(character)}</bdi>"

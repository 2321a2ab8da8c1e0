"""Plain text: a line each, an empty one between pages."""

from collections.abc import Sequence

from preprocessing.page.layout import Page
from utils.escaping import escape_control


def to_text(pages: Sequence[Page]) -> str:
    """Returns the text of pages in reading order."""
    return "\n".join("".join(f"{escape_control(line.text)}\n" for line in page.lines) for page in pages)

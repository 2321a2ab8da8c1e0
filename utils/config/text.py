"""Config section `text`: how labels are written."""

from typing import Literal

from utils.config.section import Section, key

Direction = Literal["ltr", "rtl"]


class TextConfig(Section):
    """How labels are written; a model keeps these settings."""

    direction: Direction = key(
        "ltr", "ltr: left to right; rtl: right to left, as Hebrew and Arabic (needs python-bidi); labels stay logical"
    )

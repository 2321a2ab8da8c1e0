"""Makes text of unknown origin (paths, labels, what a model reads) safe to show."""

import re
import unicodedata

# Control characters can move a terminal's cursor or recolour it; bidirectional overrides show text in another order
# than it has (CVE-2021-42574); half a character can't be written in UTF-8 at all.
_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
_BIDIRECTIONAL = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# https://owasp.org/www-community/attacks/CSV_Injection; the wide forms are what some keyboards write.
_STARTS_FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_UNSAFE_IN_JSON = re.compile(f"[\x7f-\x9f\u2028\u2029{_BIDIRECTIONAL}\ud800-\udfff]")


def one_line(text: object) -> str:
    """`text` (such as a path) fit for a one-line message: what can't be printed is escaped."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def escape_control(text: str) -> str:
    """`text` fit for a table or a terminal: only what could do harm there is escaped, such as tab and escape.

    Unlike `one_line` it leaves the joiners and spaces that some scripts need.
    """
    return "".join(_escaped(c) if unicodedata.category(c) in _CATEGORIES or c in _BIDIRECTIONAL else c for c in text)


def escape_csv(text: str) -> str:
    """`escape_control`, and no formula, which a spreadsheet would compute and by which it can start programs.

    Such a text gets an apostrophe in front, which spreadsheets take for "this is text"; so does one that has
    apostrophes there already, so that taking one off gives back either. Numbers and single characters, such as the
    words `-` and `=`, are none and stay as they are.
    """
    bare = text.lstrip("'")
    if len(bare) > 1 and bare[0] in _STARTS_FORMULA and not _NUMBER.fullmatch(bare):
        text = f"'{text}"
    return escape_control(text)


def escape_json(text: str) -> str:
    """Returns JSON text with what could do harm in a terminal as `\\uXXXX`; it stands for the same values."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()

"""Renders the page: one file that needs no network and can't reach one."""

import base64
import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

PARTS = Path(__file__).parent


def make_html(data: Any, **values: Any) -> str:
    """Returns the HTML page: `data` is the JSON value that `page.js` reads, `values` are the variables of `page.html`.

    Every text in `values` is escaped, only `Markup` is not.
    """
    style, script = _read("theme.css") + _read("page.css"), _read("page.js")
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["visible"] = visible
    return environment.from_string(_read("page.html")).render(
        values, policy=policy, style=Markup(style), script=Markup(script), data=embedded_json(data)
    )


def embedded_json(value: Any) -> Markup:
    """Returns JSON for a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def visible(character: str) -> str:
    """Returns a character as it can be seen: nothing, spaces and bare accents have a stand-in."""
    if not character:
        return Markup('<span class="nothing">nothing</span>')
    if character.isspace():
        return Markup("␣ <small>U+{:04X}</small>").format(ord(character))
    if unicodedata.combining(character):
        return f"◌{character}"
    if not character.isprintable():
        return Markup("<small>U+{:04X}</small>").format(ord(character))
    return Markup("<bdi>{}</bdi>").format(character)


def _read(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Returns the name of an inline style or script in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

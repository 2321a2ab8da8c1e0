"""Puts the page together: one file that needs no network and can't reach one."""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

PARTS = Path(__file__).parent


def make_page(title: str, facts: Mapping[str, str], sections: Mapping[str, str], data: Any) -> str:
    """The whole HTML page.

    Args:
        title, facts: plain text.
        sections: ready-made HTML for the places of `page.html` (summary, charts, characters, confusions).
        data: JSON value that `page.js` reads.
    """
    style, script = (_read("page.css"), _read("page.js"))
    return Template(_read("page.html")).substitute(
        sections,
        title=escape(title),
        facts="\n".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items() if v),
        policy=(
            "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
            f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
        ),
        style=style,
        script=script,
        data=embedded_json(data),
    )


def embedded_json(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    """What a content security policy calls an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")

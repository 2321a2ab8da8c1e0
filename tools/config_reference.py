"""Writes configs/README.md, the reference of all config keys, from the schema that checks them.

python -m tools.config_reference > configs/README.md
"""

import json
import re
import typing
from collections.abc import Iterable
from typing import Any

from pydantic.fields import FieldInfo

from utils.config.schema import Config
from utils.config.section import is_section, walk

HEAD = """# Config keys

Made from the schema in `utils/config/` by `python -m tools.config_reference > configs/README.md`.
A key that a file leaves out has its default; the defaults are a good recipe for words at 300 dpi.
`extends: FILE`, a path relative to the file, takes over the keys of another config: sections are merged,
other values, lists included, are replaced, and `additional_data: {}` leaves out its datasets. Any key can be
overridden on the command line: `--set train.batch_size=32 network.dropout=0.1`.
"""
TABLE = "\n| key | default | description |\n|---|---|---|\n"


def reference() -> str:
    """Returns the reference as Markdown: a heading and a table per section."""
    values = {name: field for name, field in Config.model_fields.items() if not is_section(field)}
    text = HEAD + "\n## Top level\n" + TABLE + _rows(values.items())
    for name, field in Config.model_fields.items():
        if name not in values:
            section: Any = field.annotation
            text += f"\n## {name}\n\n{section.__doc__}\n{TABLE}{_rows(walk(section, f'{name}.'))}"
    return text


def _rows(fields: Iterable[tuple[str, FieldInfo]]) -> str:
    rows = ""
    for name, field in fields:
        if not is_section(field):
            text = f"{field.description}{_choices(field.annotation, str(field.description))}".replace("|", "\\|")
            default = "required" if field.is_required() else f"`{json.dumps(field.default)}`"
            rows += f"| `{name}` | {default} | {text} |\n"
    return rows


def _choices(annotation: Any, description: str) -> str:
    """Returns the values of a Literal, if the description does not name them all."""
    values = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()
    is_named = all(re.search(rf"\b{value}\b", description) for value in values)
    return "" if is_named else f" ({', '.join(map(str, values))})"


if __name__ == "__main__":
    print(reference(), end="")

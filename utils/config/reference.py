"""Writes configs/README.md, the reference of all config keys, from the schema that checks them.

python -m utils.config.reference > configs/README.md
"""

import json
import typing
from typing import Any

from pydantic import BaseModel

from utils.config.schema import Config

HEAD = """# Config keys

Made from the schema in `utils/config/` by `python -m utils.config.reference > configs/README.md`.
A key that a file leaves out has its default; the defaults are a good recipe for words at 300 dpi.
`extends: FILE`, a path relative to the file, takes over the keys of another config: sections are merged,
other values, lists included, are replaced. Any key can be overridden on the command line:
`--set train.batch_size=32 network.dropout=0.1`.
"""
TABLE = "\n| key | default | description |\n|---|---|---|\n"


def reference() -> str:
    """The reference as Markdown: a heading and a table per section."""
    top = "".join(_row(name, field) for name, field in Config.model_fields.items() if not _is_section(field))
    text = HEAD + "\n## Top level\n" + TABLE + top
    for name, field in Config.model_fields.items():
        if _is_section(field):
            text += f"\n## {name}\n\n{field.annotation.__doc__}\n{TABLE}{_rows(field.annotation, f'{name}.')}"
    return text


def _rows(section: Any, prefix: str) -> str:
    return "".join(
        _rows(field.annotation, f"{prefix}{name}.") if _is_section(field) else _row(prefix + name, field)
        for name, field in section.model_fields.items()
    )


def _row(name: str, field: Any) -> str:
    choices = _choices(field.annotation)
    text = f"{field.description} ({choices})" if choices else field.description
    return f"| `{name}` | `{json.dumps(field.default)}` | {text.replace('|', chr(92) + '|')} |\n"


def _choices(annotation: Any) -> str:
    """The values of a Literal with so many that its description can't be expected to repeat them."""
    values = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()
    return ", ".join(map(str, values)) if len(values) > 3 else ""


def _is_section(field: Any) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


if __name__ == "__main__":
    print(reference(), end="")

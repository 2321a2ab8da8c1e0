"""Writes configs/README.md, the table of all config keys, from the schema that checks them.

python -m utils.config.reference > configs/README.md
"""

import json
import types
import typing
from typing import Any

from pydantic import BaseModel

from utils.config.schema import Config

HEAD = """# Config keys

Made from `utils/config/schema.py` by `python -m utils.config.reference > configs/README.md`.
A key that a file leaves out has its default, which is the seed project's behaviour. Any key can be
overridden on the command line: `--set train.batch_size=32 network.dropout=0.1`.

| key | default | what it does |
|---|---|---|
"""


def reference() -> str:
    """The reference as Markdown."""
    return HEAD + "".join(_rows(Config))


def _rows(section: type[BaseModel], prefix: str = "") -> list[str]:
    rows = []
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            rows += _rows(field.annotation, f"{prefix}{name}.")
            continue
        choices = _choices(field.annotation)
        text = f"{field.description} ({choices})" if choices else field.description
        rows.append(f"| `{prefix}{name}` | `{json.dumps(field.default)}` | {_escape(text)} |\n")
    return rows


def _choices(annotation: Any) -> str:
    """The values of a Literal that its description can't be expected to repeat."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not typing.Literal:
        return ""
    values = typing.get_args(annotation)
    return ", ".join(map(str, values)) if len(values) > 3 else ""


def _escape(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")

"""Reads a YAML config and command-line overrides into a typed, frozen `Config`."""

import difflib
from pathlib import Path
from typing import Any, Iterable

import yaml
from pydantic import BaseModel, ValidationError

from utils.config_schema import Config
from utils.errors import UserError


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Reads `path`, applies `KEY.PATH=VALUE` overrides and validates the result.

    Raises:
        UserError: file missing or not YAML, unknown key (names the nearest), wrong type or range.
    """
    values = _read_yaml(Path(path))
    for override in overrides:
        _apply_override(values, override)
    return validate_config(values, source=str(path))


def validate_config(values: dict[str, Any], source: str) -> Config:
    """Checks a plain dictionary against the schema; `source` is named in errors."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{source}: {_explain(error)}") from None


def config_to_yaml(config: Config) -> str:
    """The whole config, defaults included, as YAML that `load_config` reads back."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"Config {path} does not exist; name one with -c, such as -c configs/config.yml.") from None
    except OSError as error:
        raise UserError(f"Config {path} can't be read: {error.strerror}.") from None
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"Config {path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise UserError(f"Config {path} must hold `key: value` lines, not {type(values).__name__}.")
    return values


def _apply_override(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name:
        raise UserError(f"--set {override}: write KEY.PATH=VALUE, such as train.batch_size=32.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {name}: {text!r} is not a YAML value; quote it.") from None
    *parents, last = name.split(".")
    for depth, parent in enumerate(parents, start=1):
        if values.get(parent) is None:
            values[parent] = {}
        values = values[parent]
        if not isinstance(values, dict):
            raise UserError(f"--set {name}: {'.'.join(parents[:depth])} is a value, not a section.")
    values[last] = value


def _explain(error: ValidationError) -> str:
    """The first problem as one sentence that names the key."""
    problem = error.errors(include_url=False)[0]
    parts = [str(part) for part in problem["loc"]]
    name = ".".join(parts)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {name}{_nearest(parts)}."
    message = problem["msg"].removeprefix("Value error, ")
    if not name:
        return f"{message}."
    return f"{name} is {_shown(problem['input'])}: {message[0].lower()}{message[1:]}."


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(parts: list[str]) -> str:
    """Names the key the user most likely meant: first in the same section, then anywhere."""
    section: Any = Config
    for part in parts[:-1]:
        section = section.model_fields[part].annotation
    siblings = difflib.get_close_matches(parts[-1], section.model_fields, n=1, cutoff=0.5)
    if siblings:
        return f"; did you mean {'.'.join([*parts[:-1], siblings[0]])}?"
    paths = list(_paths(Config))
    same_name = [path for path in paths if path.rpartition(".")[2] == parts[-1]]
    nearest = same_name or difflib.get_close_matches(".".join(parts), paths, n=1, cutoff=0.0)
    return f"; the nearest valid key is {nearest[0]}" if nearest else ""


def _paths(section: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """Dotted names of all keys, sections included."""
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, f"{prefix}{name}.")

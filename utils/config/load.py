"""Reads a YAML config and command-line overrides into a typed, frozen `Config`."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from utils.config.errors import explain, shown_value
from utils.config.schema import Config
from utils.errors import UserError
from utils.paths import resolve_shipped

MOST_KEYS = 10_000  # of one mapping
LONGEST_SHOWN = 160  # characters of a YAML parser's message, which may quote the file


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Reads `path`, applies `KEY.PATH=VALUE` overrides and validates the result.

    Args:
        path: a config file; one that doesn't exist here may be one that comes with the code.

    Raises:
        UserError: file missing or not YAML, unknown key (names the nearest), wrong type or range.
    """
    values = _read_yaml(resolve_shipped(path))
    overridden = [_apply_override(values, override) for override in overrides]
    return _validate(values, str(path), overridden)


def validate_config(values: dict[str, Any], source: str) -> Config:
    """Checks a plain dictionary against the schema; `source` is named in errors.

    Raises:
        UserError: unknown key (names the nearest), wrong type or range.
    """
    return _validate(values, source, ())


def config_to_yaml(config: Config) -> str:
    """The whole config, defaults included, as YAML that `load_config` reads back."""
    return yaml.dump(config.model_dump(), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    """YAML without code, double keys (the first would be lost in silence) and text no file can hold."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        # Merges of merges can unfold to more keys than memory holds.
        if len(node.value) > MOST_KEYS:
            raise yaml.MarkedYAMLError(problem="merges too many keys", problem_mark=node.start_mark)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        # Escapes in double quotes can write both.
        if isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
            problem = "text holds a zero byte or half a character (a lone surrogate)"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return value

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<` merges keys into the mapping, which may be overridden.
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                problem = f"key {key.value!r} occurs twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add((key.tag, key.value))
        return node


class _Dumper(yaml.SafeDumper):
    """Escapes what can't be printed; PyYAML itself writes some line ends that it reads back as blanks."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, None if text.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_str)


def _parse(text: str) -> Any:
    """The value that YAML text stands for.

    Raises:
        ValueError: not YAML, or a kind of value that a config can't hold; the message says where.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        context = f"{error.context} " if f"{error.problem}".startswith("but ") else ""
        raise ValueError(f"{place}{context}{error.problem}") from None
    except yaml.reader.ReaderError as error:
        raise ValueError(f"it holds the character {chr(error.character)!r}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(str(error)) from None
    except (AttributeError, KeyError, IndexError, TypeError, OverflowError) as error:
        # What PyYAML raises on values that contradict their tag, such as `!!bool x`.
        raise ValueError(f"a value contradicts its tag ({error})") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"Config {path} does not exist; name one with -c, such as -c configs/config.yml."
        ) from None
    except OSError as error:
        raise UserError(f"Config {path} can't be read: {error.strerror}.") from None
    except ValueError:
        # Undecodable bytes; also a path with a zero byte, which can't name a text file either.
        raise UserError(f"Config {path} is not a text file in UTF-8.") from None
    try:
        values = _parse(text)
    except ValueError as error:
        raise UserError(f"Config {path} is not valid YAML: {_problem(error)}.") from None
    if not isinstance(values, dict):
        held = "nothing" if values is None else "a list" if isinstance(values, list) else "a single value"
        raise UserError(f"Config {path} must hold `key: value` lines; it holds {held}.")
    return values


def _apply_override(values: dict[str, Any], override: str) -> str:
    """Sets one `KEY.PATH=VALUE` in `values` and returns its KEY.PATH."""
    name, equals, text = override.partition("=")
    *parents, last = name.split(".")
    if not equals or not all([*parents, last]):
        raise UserError(f"--set {override}: write KEY.PATH=VALUE, such as train.batch_size=32.")
    try:
        value = _parse(text)
    except ValueError as error:
        raise UserError(
            f"--set {name}: {shown_value(text)} is not a YAML value; quote it ({_problem(error)})."
        ) from None
    for depth, parent in enumerate(parents, start=1):
        if values.get(parent) is None:
            values[parent] = {}
        values = values[parent]
        if not isinstance(values, dict):
            raise UserError(f"--set {name}: {'.'.join(parents[:depth])} is a value, not a section.")
    values[last] = value
    return name


def _validate(values: dict[str, Any], source: str, overridden: Sequence[str]) -> Config:
    """Checks `values`; an error names `source`, or `--set` where the key was `overridden` by it."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        name, sentence = explain(error)
    # The key itself, something within its value, or an unknown section that the override made.
    dotted = re.sub(r"(\[\d+\])+$", "", name) + "."
    if any(dotted.startswith(f"{key}.") or f"{key}.".startswith(dotted) for key in overridden):
        source = "--set"
    raise UserError(f"{source}: {sentence}.")


def _problem(error: ValueError) -> str:
    """The parser's message on one line, cut where it quotes a whole file."""
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."

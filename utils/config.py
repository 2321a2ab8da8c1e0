"""Reads a YAML config and command-line overrides into a typed, frozen `Config`."""

import datetime
import difflib
import reprlib
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import yaml
from pydantic import BaseModel, ValidationError

from utils.config_schema import Config
from utils.errors import UserError
from utils.files import one_line

LONGEST_SHOWN = 160  # characters of a YAML parser's message, which may quote the file

# What pydantic finds wrong, in the words of someone who writes YAML.
_MUST = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text; put it in quotes",
    "list_type": "must be a list",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "too_short": "must have {min_length} or more entries, not {actual_length}",
    "too_long": "must have {max_length} or fewer entries, not {actual_length}",
    "string_too_short": "must have {min_length} or more characters",
    "literal_error": "must be {expected}",
}


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Reads `path`, applies `KEY.PATH=VALUE` overrides and validates the result.

    Raises:
        UserError: file missing or not YAML, unknown key (names the nearest), wrong type or range.
    """
    values = _read_yaml(Path(path))
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
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    """YAML without code, double keys (the first would be lost in silence) and text no file can hold."""

    def construct_scalar(self, node: yaml.Node) -> Any:
        value = super().construct_scalar(node)
        # Escapes in double quotes can write both.
        if isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
            problem = "text holds a zero byte or half a character (a lone surrogate)"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return value

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        seen = set()
        for key, _ in node.value:
            # Keys that `<<` merges in are added later and may be overridden.
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {name[1]!r} occurs twice", problem_mark=key.start_mark
                )
            if name:
                seen.add(name)
        super().flatten_mapping(node)


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
    name = one_line(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"Config {name} does not exist; name one with -c, such as -c configs/config.yml."
        ) from None
    except OSError as error:
        raise UserError(f"Config {name} can't be read: {error.strerror}.") from None
    except ValueError:
        # Undecodable bytes; also a path with a zero byte, which can't name a text file either.
        raise UserError(f"Config {name} is not a text file in UTF-8.") from None
    try:
        values = _parse(text)
    except ValueError as error:
        raise UserError(f"Config {name} is not valid YAML: {_problem(error)}.") from None
    if not isinstance(values, dict):
        held = "nothing" if values is None else "a list" if isinstance(values, list) else "a single value"
        raise UserError(f"Config {name} must hold `key: value` lines, not {held}.")
    return values


def _apply_override(values: dict[str, Any], override: str) -> str:
    """Sets one `KEY.PATH=VALUE` in `values` and returns its KEY.PATH."""
    name, equals, text = override.partition("=")
    *parents, last = name.split(".")
    shown = one_line(name)
    if not equals or not all([*parents, last]):
        raise UserError(f"--set {one_line(override)}: write KEY.PATH=VALUE, such as train.batch_size=32.")
    try:
        value = _parse(text)
    except ValueError as error:
        raise UserError(
            f"--set {shown}: {_shown(text)} is not a YAML value; quote it ({_problem(error)})."
        ) from None
    for depth, parent in enumerate(parents, start=1):
        if values.get(parent) is None:
            values[parent] = {}
        values = values[parent]
        if not isinstance(values, dict):
            raise UserError(
                f"--set {shown}: {one_line('.'.join(parents[:depth]))} is a value, not a section."
            )
    values[last] = value
    return name


def _validate(values: dict[str, Any], source: str, overridden: Sequence[str]) -> Config:
    """Checks `values`; an error names `source`, or `--set` where the key was `overridden` by it."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        name, sentence = _explain(error)
    # The key itself, something within its value, or an unknown section that the override made.
    dotted = name.partition("[")[0] + "."
    if any(dotted.startswith(f"{key}.") or f"{key}.".startswith(dotted) for key in overridden):
        source = "--set"
    raise UserError(one_line(f"{source}: {sentence}."))


def _explain(error: ValidationError) -> tuple[str, str]:
    """The first problem: the key's dotted name, and a sentence about it without its full stop."""
    problems = error.errors(include_url=False)
    problem = problems[0]
    sections, rest = _walk(problem["loc"])
    section = ".".join(sections)
    if problem["type"] in ("extra_forbidden", "invalid_key"):
        key = rest[0] if problem["type"] == "extra_forbidden" else _shown(problem["input"])
        parts = [*sections, str(key)]
        return ".".join(parts), f"unknown key {'.'.join(parts)}; the nearest is {_nearest(parts)}"
    if problem["type"] == "value_error":
        # From a validator of the whole section; its message starts with the key, and it has no single one.
        message = problem["msg"].removeprefix("Value error, ").rstrip(".")
        return "", f"{section}.{message}" if section else message
    if problem["type"] == "model_type":
        return section, f"{section} is {_shown(problem['input'])}: must be a section of keys, or be left out"
    name, problem, alternatives = _of_one_value(problems)
    return name, f"{name} is {_shown(problem['input'])}: {alternatives}"


def _of_one_value(problems: Sequence[Mapping[str, Any]]) -> tuple[str, Mapping[str, Any], str]:
    """Name, problem and requirement of the first wrong value.

    A key that takes several types has a problem for each; the ones deepest within the value
    belong to the type that it most resembles.
    """
    sections, _ = _walk(problems[0]["loc"])
    key = ".".join(sections)
    named = []
    for problem in problems:
        parents, rest = _walk(problem["loc"])
        if parents == sections:
            named.append((key + "".join(f"[{part}]" for part in rest if isinstance(part, int)), problem))
    depth = max(name.count("[") for name, _ in named)
    name, problem = next(item for item in named if item[0].count("[") == depth)
    requirements = dict.fromkeys(_requirement(other) for where, other in named if where == name)
    return name, problem, ", or ".join(requirements).replace(", or must be", ", or")


def _requirement(problem: Mapping[str, Any]) -> str:
    known = _MUST.get(problem["type"])
    if known is None:
        message = problem["msg"].replace("Input should be", "must be").rstrip(".")
        return message[0].lower() + message[1:]
    return known.format_map(problem.get("ctx", {}))


def _walk(location: Sequence[str | int]) -> tuple[list[str], list[str | int]]:
    """Splits pydantic's location into the keys that the schema knows and what follows them."""
    section: Any = Config
    for depth, part in enumerate(location):
        if not _is_section(section) or part not in section.model_fields:
            return [str(known) for known in location[:depth]], list(location[depth:])
        section = section.model_fields[part].annotation
    return [str(known) for known in location], []


def _section(parts: Iterable[str]) -> Any:
    section: Any = Config
    for part in parts:
        section = section.model_fields[part].annotation
    return section


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _nearest(parts: Sequence[str]) -> str:
    """The key the user most likely meant: its namesake elsewhere, a sibling, then any alike."""
    *parents, last = parts
    paths = list(_paths(Config))
    prefix = "".join(f"{parent}." for parent in parents)
    siblings = {name.lower(): prefix + name for name in _section(parents).model_fields}
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(path.rpartition(".")[2], []).append(path)
    alike = difflib.get_close_matches(last.lower(), siblings, n=1, cutoff=0.6)
    if last not in names and alike:
        return siblings[alike[0]]
    close = difflib.get_close_matches(last.lower(), names, n=1, cutoff=0.6)
    return difflib.get_close_matches(".".join(parts), names[close[0]] if close else paths, n=1, cutoff=0.0)[0]


def _paths(section: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """Dotted names of all keys, sections included."""
    for name, field in section.model_fields.items():
        yield prefix + name
        if _is_section(field.annotation):
            yield from _paths(field.annotation, f"{prefix}{name}.")


def _shown(value: Any) -> str:
    """A value as it is written in YAML, shortened; aliases can make it larger than memory."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime.date):
        return str(value)
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    short.maxlevel = 2
    return short.repr(value)


def _problem(error: ValueError) -> str:
    """The parser's message on one line, cut where it quotes a whole file."""
    text = " ".join(str(error).split()).rstrip(".")
    return one_line(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "...")

"""Explains what is wrong in a config, in the words of someone who writes YAML."""

import datetime
import difflib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from pydantic import BaseModel, ValidationError

from utils.config.schema import Config

Problem = Mapping[str, Any]

# Sentences for the types of pydantic's errors.
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


def explain(error: ValidationError) -> list[tuple[str, str]]:
    """All problems: the key's dotted name, and a sentence about it without its full stop."""
    explained: list[tuple[str, str]] = []
    of_values: dict[str, list[Problem]] = {}
    for problem in error.errors(include_url=False):
        sections, rest = _walk(problem["loc"])
        section = ".".join(sections)
        if problem["type"] in ("extra_forbidden", "invalid_key"):
            key = rest[0] if problem["type"] == "extra_forbidden" else shown_value(problem["input"])
            parts = [*sections, str(key)]
            name = ".".join(parts)
            explained.append((name, f"unknown key {name}; the nearest is {_nearest(parts)}"))
        elif problem["type"] == "value_error":
            # From a validator of the whole section: a line per problem, which starts with the key.
            prefix = f"{section}." if section else ""
            for line in problem["msg"].removeprefix("Value error, ").splitlines():
                explained.append((prefix + line.split()[0], prefix + line.rstrip(".")))
        elif problem["type"] == "model_type":
            shown = shown_value(problem["input"])
            explained.append((section, f"{section} is {shown}: must be a section of keys, or be left out"))
        else:
            of_values.setdefault(section, []).append(problem)
    return explained + [item for key, problems in of_values.items() for item in _of_one_key(key, problems)]


def _of_one_key(key: str, problems: list[Problem]) -> list[tuple[str, str]]:
    """Names and sentences for the wrong values of one key.

    A key that takes several types has a problem for each; the ones deepest within the value
    belong to the type that it most resembles.
    """
    named: dict[str, list[Problem]] = {}
    for problem in problems:
        indices = (part for part in _walk(problem["loc"])[1] if isinstance(part, int))
        named.setdefault(key + "".join(f"[{index}]" for index in indices), []).append(problem)
    depth = max(name.count("[") for name in named)
    explained = []
    for name, alternatives in named.items():
        if name.count("[") == depth:
            wanted = ", or ".join(dict.fromkeys(map(_requirement, alternatives)))
            shown = shown_value(alternatives[0]["input"])
            explained.append((name, f"{name} is {shown}: {wanted.replace(', or must be', ', or')}"))
    return explained


def _requirement(problem: Problem) -> str:
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


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
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


def shown_value(value: Any) -> str:
    """A value as it is written in YAML, shortened; aliases can make it larger than memory."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime.date):
        return str(value)
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    short.maxlevel = 2
    return short.repr(value)

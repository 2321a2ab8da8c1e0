"""Explains what is wrong in a config, in the words of someone who writes YAML."""

import datetime
import difflib
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from utils.config.schema import Config
from utils.config.section import ANY_NAME, walk

Problem = Mapping[str, Any]
PATHS = [path for path, _ in walk(Config)]
NAMED = {path[: path.index(ANY_NAME)] + ANY_NAME for path in PATHS if ANY_NAME in path}
PATTERN = re.compile("|".join(re.escape(path).replace(ANY_NAME, r"[^.]+") for path in [*PATHS, *NAMED]))

IN_QUOTES = "put it in quotes"
# Sentences for the types of pydantic's errors.
_MUST = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": f"must be text; {IN_QUOTES}",
    "list_type": "must be a list",
    "dict_type": "must be a section of keys",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "too_short": "must have {min_length} or more entries, not {actual_length}",
    "too_long": "must have {max_length} or fewer entries, not {actual_length}",
    "string_too_short": "must have {min_length} or more characters",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be host:port",  # the only pattern
}


def explain(error: ValidationError) -> list[tuple[str, str]]:
    """Returns all problems: the key's dotted name, and a sentence about it without its full stop."""
    explained: list[tuple[str, str]] = []
    of_values: dict[str, list[Problem]] = {}
    for problem in error.errors(include_url=False):
        location, kind = problem["loc"], problem["type"]
        section = ".".join(_known(location))
        if kind in ("extra_forbidden", "invalid_key"):
            last = str(location[-1]) if kind == "extra_forbidden" else shown_value(problem["input"])
            name = ".".join([*map(str, location[:-1]), last])
            explained.append((name, f"unknown key {name}; the nearest is {_nearest(name)}"))
        elif kind == "value_error":
            # From a validator of the whole section: a line per problem, which starts with the key.
            prefix = f"{section}." if section else ""
            for line in problem["msg"].removeprefix("Value error, ").splitlines():
                explained.append((prefix + line.split()[0], prefix + line.rstrip(".")))
        elif kind == "missing":
            whole = ".".join(map(str, location[:-1]))
            explained.append((whole, f"{whole}.{location[-1]} is missing: set it, too"))
        elif kind == "model_type":
            shown = shown_value(problem["input"])
            explained.append((section, f"{section} is {shown}: must be a section of keys, or be left out"))
        else:
            of_values.setdefault(section, []).append(problem)
    return explained + [item for key, problems in of_values.items() for item in _of_one_key(key, problems)]


def _of_one_key(key: str, problems: list[Problem]) -> list[tuple[str, str]]:
    """Names and sentences for the wrong values of one key.

    A key that takes several types has a problem for each; the deepest within the value are of the type most like it.
    """
    named: dict[str, list[Problem]] = {}
    for problem in problems:
        name = key + "".join(f"[{part}]" for part in problem["loc"] if isinstance(part, int))
        named.setdefault(name, []).append(problem)
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


def _known(location: Sequence[str | int]) -> list[str]:
    """Returns the keys of the schema with which pydantic's location begins."""
    parts = [str(part) for part in location]
    while parts and ("." in parts[-1] or not PATTERN.fullmatch(".".join(parts))):
        parts.pop()
    return parts


def _nearest(name: str) -> str:
    """Returns the key the user most likely meant: its namesake elsewhere, a sibling, then any alike."""
    section, _, last = name.rpartition(".")
    names: dict[str, list[str]] = {}
    for path in PATHS:
        names.setdefault(path.rpartition(".")[2], []).append(path)
    siblings = {path.rpartition(".")[2].lower(): path for path in PATHS if path.rpartition(".")[0] == section}
    alike = difflib.get_close_matches(last.lower(), siblings, n=1, cutoff=0.6)
    if last not in names and alike:
        return siblings[alike[0]]
    close = difflib.get_close_matches(last.lower(), names, n=1, cutoff=0.6)
    return difflib.get_close_matches(name, names[close[0]] if close else PATHS, n=1, cutoff=0.0)[0]


def shown_value(value: Any) -> str:
    """Returns a value as YAML, shortened; aliases can make it larger than memory."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime.date):
        return str(value)
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    short.maxlevel = 2
    return short.repr(value)

"""Reads a YAML config and command-line overrides into a typed, frozen `Config`."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from utils.config.errors import IN_QUOTES, explain, shown_value
from utils.config.legacy import upgrade_config, upgrade_key
from utils.config.schema import Config
from utils.config.section import merged
from utils.errors import UserError
from utils.paths import resolve_shipped

LONGEST_SHOWN = 160  # characters of a YAML parser's message, which may quote the file


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Reads `path`, or the shipped config of this name, applies `KEY.PATH=VALUE` overrides and validates the result.

    Raises UserError, with a line for each problem: a file is missing or not YAML, unknown keys, wrong values.
    """
    values = _read_file(resolve_shipped(path), ())
    overridden = [_apply_override(values, override) for override in overrides]
    return validate_config(values, str(path), overridden)


def refuse_training_keys(overrides: Iterable[str]) -> None:
    """Raises UserError if `--set` changes what a trained model keeps, which has no effect on it."""
    for override in overrides:
        name = upgrade_key(override.partition("=")[0])
        if name.split(".")[0] in ("network", "image", "text") and name != "image.max_pixels":
            instead = "predict.characters restricts what is written" if name == "network.charset" else "leave it out"
            raise UserError(f"--set {name} only has an effect on a training: a trained model keeps its own; {instead}.")


def validate_config(values: dict[str, Any], source: str, overridden: Iterable[str] = ()) -> Config:
    """Checks a nested dictionary against the schema; errors name `source`, or `--set` for the keys `overridden` by it.

    Raises UserError, with a line for each problem: unknown keys (names the nearest), wrong types or ranges.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems = explain(error)
    overridden = list(overridden)
    raise UserError(*(_sentence(name, text, source, _is_set(name, overridden)) for name, text in problems))


def _sentence(name: str, text: str, source: str, is_set: bool) -> str:
    if not is_set:
        return f"{source}: {text}."
    # The shell takes away the quotes that are meant for YAML.
    in_quotes = f"""write --set '{name}="..."'"""
    return f"--set: {text.replace(IN_QUOTES, in_quotes)}."


def config_to_yaml(config: Config) -> str:
    """Returns the whole config, defaults included, as YAML that `load_config` reads back."""
    # Other characters than ASCII are escaped: PyYAML reads some line ends back as blanks.
    return yaml.safe_dump(config.model_dump(), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys, of which YAML would keep the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<` merges keys into the mapping, which may be overridden.
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"key {key.value!r} occurs twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return node


def _parse(text: str) -> Any:
    """Returns the value of YAML text; raises ValueError with the place if it is no YAML or no value for a config."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        problem = "it is nested too deeply"
    except Exception as error:  # Not only YAML's own: a value may contradict its tag.
        mark, context = getattr(error, "problem_mark", None), getattr(error, "context", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = str(getattr(error, "problem", None) or error)
        problem = place + (f"{context} " if problem.startswith("but ") else "") + problem
    problem = " ".join(problem.split()).rstrip(".")
    raise ValueError(problem if len(problem) <= LONGEST_SHOWN else problem[:LONGEST_SHOWN] + "...")


def _read_file(path: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    """Returns the values of a file, laid over those of the file it extends; `children` are the files that led here."""
    path_shown = " extends ".join(map(str, [*children, path]))
    if any(os.path.realpath(path) == os.path.realpath(child) for child in children):
        raise UserError(f"Config {path_shown}, in a loop: remove one `extends`.")
    try:
        values = _parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(
            f"Config {path_shown}, which does not exist; correct `extends`."
            if children
            else f"Config {path} does not exist; name one with -c, such as -c configs/config.yml."
        ) from None
    except OSError as error:
        raise UserError(f"Config {path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"Config {path} is not a text file in UTF-8.") from None
    except ValueError as error:
        raise UserError(f"Config {path} is not valid YAML: {error}.") from None
    if not isinstance(values, dict):
        held = "nothing" if values is None else "a list" if isinstance(values, list) else "a single value"
        raise UserError(f"Config {path} must hold `key: value` lines; it holds {held}.")
    if "extends" not in values:
        return upgrade_config(values)
    parent = values.pop("extends")
    if not isinstance(parent, str) or not parent:
        raise UserError(f"{path}: extends is {shown_value(parent)}: must be the name of a config file.")
    return merged(_read_file(path.parent / parent, (*children, path)), values)


def _apply_override(values: dict[str, Any], override: str) -> str:
    """Sets one `KEY.PATH=VALUE` in `values` and returns its KEY.PATH."""
    name, equals, text = override.partition("=")
    name = upgrade_key(name)
    *parents, last = name.split(".")
    if not equals or not all([*parents, last]):
        raise UserError(f"--set {override}: write KEY.PATH=VALUE, such as train.batch_size=32.")
    try:
        value = _parse(text)
    except ValueError as error:
        raise UserError(f"--set {name}: {shown_value(text)} is not a YAML value; quote it ({error}).") from None
    if text.count("#") > str(value).count("#"):
        raise UserError(f"""--set {name}: in {shown_value(text)} a comment begins at #; write --set '{name}="..."'.""")
    for depth, parent in enumerate(parents, start=1):
        section = {} if values.get(parent) is None else values[parent]
        if not isinstance(section, dict):
            raise UserError(f"--set {name}: {'.'.join(parents[:depth])} is a value, not a section.")
        # A copy, for an alias in the file makes several keys share one section.
        values[parent] = dict(section)
        values = values[parent]
    values[last] = value
    return name


def _is_set(name: str, overridden: Iterable[str]) -> bool:
    """Whether a key was set by `--set`: itself, something within it, or a section that holds it."""
    dotted = re.sub(r"(\[\d+\])+$", "", name) + "."
    return any(dotted.startswith(f"{key}.") or f"{key}.".startswith(dotted) for key in overridden)

"""The base class of all config sections, and the value types that they share."""

import typing
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError


def _yaml_float(value: Any) -> Any:
    """Converts text such as `1e-3`, a string in YAML 1.1, to the number that its writer meant."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Real = Annotated[float, BeforeValidator(_yaml_float)]
Share = Annotated[Real, Field(ge=0, le=1)]
Fraction = Annotated[Real, Field(ge=0, lt=1)]
NotNegative = Annotated[Real, Field(ge=0)]
Natural = Annotated[int, Field(ge=0)]
PositiveInt = Annotated[int, Field(ge=1)]
# Larger sizes fit into no memory, and their products overflow within TensorFlow.
Size = Annotated[int, Field(ge=1, le=65_536)]
SizeOrZero = Annotated[int, Field(ge=0, le=65_536)]


ANY_NAME = "NAME"
FREELY_NAMED = "additional_data"  # a mapping of sections, each under a name of the user's, which {} empties


class Section(BaseModel):
    """Settings of one part; unknown keys and wrong types are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _has_no_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            hint = r"YAML reads \0 in double quotes as one; write paths with / or in single quotes"
            raise PydanticCustomError("nul", f"must have no NUL character: {hint}")
        return value


def walk(section: Any, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Returns the dotted name and field of every key of a section class, subsections included, each before its keys.

    The name of a subsection that its user chooses is ANY_NAME.
    """
    for name, field in section.model_fields.items():
        yield prefix + name, field
        if is_section(field):
            yield from walk(field.annotation, f"{prefix}{name}.")
        elif typing.get_origin(field.annotation) is dict:  # of sections, each under a name of the user's
            yield from walk(typing.get_args(field.annotation)[1], f"{prefix}{name}.{ANY_NAME}.")


def is_section(field: FieldInfo) -> bool:
    """Whether a key holds a section and not a value."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)


def key(default: Any, description: str, **limits: Any) -> Any:
    """Returns a config key with its default and its documentation."""
    return Field(default, description=description, **limits)


def refuse(problems: list[str]) -> None:
    """Raises ValueError with one line per problem, if there are any; each line starts with a key."""
    if problems:
        raise ValueError("\n".join(problems))


def merged(base: dict[Any, Any], changes: dict[Any, Any]) -> dict[Any, Any]:
    """`base` with `changes` laid over it: mappings are merged key by key, other values are replaced.

    {} replaces the datasets of FREELY_NAMED.
    """
    result = dict(base)
    for name, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(name), dict) and (value or name != FREELY_NAMED)
        result[name] = merged(base[name], value) if nested else value
    return result

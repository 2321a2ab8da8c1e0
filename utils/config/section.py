"""The base class of all config sections, and the value types that they share."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


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
PositiveInt = Annotated[int, Field(ge=1)]
# Larger sizes fit into no memory, and their products overflow within TensorFlow.
Size = Annotated[int, Field(ge=1, le=65_536)]


class Section(BaseModel):
    """Settings of one part; unknown keys and wrong types are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def key(default: Any, description: str, **limits: Any) -> Any:
    """A config key with its default and its documentation."""
    return Field(default, description=description, **limits)


def refuse(problems: list[str]) -> None:
    """Raises ValueError with one line per problem, if there are any; each line starts with a key."""
    if problems:
        raise ValueError("\n".join(problems))


def merged(base: dict[Any, Any], changes: dict[Any, Any]) -> dict[Any, Any]:
    """`base` with `changes` laid over it: mappings are merged key by key, all other values replaced."""
    result = dict(base)
    for name, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(name), dict)
        result[name] = merged(base[name], value) if nested else value
    return result

"""Options of plugins: one pydantic class each, from which help, checks and errors are made."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import annotated_types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from pixelgen.errors import OptionError, did_you_mean


class Options(BaseModel):
    """Base of every plugin's inner `Options`: frozen, no unknown names, defaults checked too.

    Declare each option with a type, a default, its bounds and a one-line description:

        class Options(pixelgen.Options):
            hidden: int = Field(384, ge=1, le=8192, description="width of the recurrent state")
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


AnyOptions = TypeVar("AnyOptions", bound=BaseModel)


@dataclass(frozen=True)
class OptionDescription:
    """What a reader needs to know of one option."""

    name: str
    type: str
    default: Any
    bounds: str
    description: str


def describe_options(options: type[BaseModel]) -> list[OptionDescription]:
    """Return one description an option of the pydantic class `options`, in their order."""
    return [
        OptionDescription(
            name=name,
            type=_type_name(field),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            bounds=_bounds(field),
            description=field.description or "",
        )
        for name, field in options.model_fields.items()
    ]


def parse_options(
    options: type[AnyOptions], values: Mapping[str, Any], *, owner: str
) -> AnyOptions:
    """Check `values` against the pydantic class `options`.

    Args:
        options: the plugin's `Options`.
        values: option names to values; text is taken where it reads as the option's type.
        owner: whose options these are, for the error («model torch-lstm»).

    Raises:
        OptionError: names the option, the value, what is allowed and the nearest right name.
    """
    values = {name.replace("-", "_"): value for name, value in values.items()}
    try:
        return options.model_validate(values)
    except ValidationError as error:
        raise _explain(error, options, owner) from None


def parse_value(text: str) -> Any:
    """Read the value of `-o kind.option=value` as TOML, or as plain text where it is not TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, options: type[BaseModel], owner: str) -> OptionError:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    described = {option.name: option for option in describe_options(options)}
    if first["type"] == "extra_forbidden":
        known = ", ".join(described) or "none: it takes no options"
        return OptionError(
            f"unknown option {name!r}",
            where=f"in the options of {owner}",
            remedy=f"{did_you_mean(name, described)}Known options: {known}",
        )
    if name not in described:  # a rule over several options
        return OptionError(str(first["msg"]), where=f"in the options of {owner}")
    option = described[name]
    allowed = " ".join(part for part in (option.type, option.bounds) if part)
    if first["type"] == "missing":
        return OptionError(
            f"option {name!r} is needed and was not given",
            where=f"in the options of {owner}",
            remedy=f"Give {allowed}: {option.description}",
        )
    return OptionError(
        f"option {name!r} cannot be {first['input']!r}: {first['msg']}",
        where=f"in the options of {owner}",
        remedy=f"Allowed: {allowed} (default {option.default!r})",
    )


def _type_name(field: FieldInfo) -> str:
    return _annotation_name(field.annotation)


def _annotation_name(annotation: Any) -> str:
    choices = get_args(annotation)
    if getattr(annotation, "__name__", "") == "Literal" or "Literal[" in str(annotation)[:16]:
        return " | ".join(str(choice) for choice in choices)
    if choices and ("Union" in str(type(annotation)) or "UnionType" in str(type(annotation))):
        return " | ".join(_annotation_name(choice) for choice in choices)
    if annotation is type(None):
        return "none"
    if choices:
        origin = getattr(annotation, "__origin__", annotation)
        inner = ", ".join(
            "…" if choice is Ellipsis else _annotation_name(choice) for choice in choices
        )
        return f"{getattr(origin, '__name__', str(origin))}[{inner}]"
    return getattr(annotation, "__name__", str(annotation))


_SIGNS = (
    (annotated_types.Ge, "ge", "≥"),
    (annotated_types.Gt, "gt", ">"),
    (annotated_types.Le, "le", "≤"),
    (annotated_types.Lt, "lt", "<"),
)


def _bounds(field: FieldInfo) -> str:
    return ", ".join(
        f"{sign} {getattr(bound, attribute)}"
        for bound in field.metadata
        for kind, attribute, sign in _SIGNS
        if isinstance(bound, kind)
    )

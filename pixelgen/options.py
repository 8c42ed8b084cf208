"""Options of plugins: one pydantic class each, from which help, checks and errors are made."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

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
            type=_type_name(field.annotation),
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
        values: option names to values; text is taken where it reads as the option's type, the word
            `none` as None where the option may be None, and a number that was typed after `-o` as
            its text where the option is one.
        owner: whose options these are, for the error («model torch-lstm»).

    Raises:
        OptionError: names the option, the value, what is allowed and the nearest right name.
    """
    values = {name.replace("-", "_"): value for name, value in values.items()}
    values = as_typed(options, with_none(options, values))
    try:
        return options.model_validate(values)
    except ValidationError as error:
        raise _explain(error, options, values, owner) from None


def with_none(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with None for the word `none`, where a field may be None.

    TOML has no word for it, and neither has a shell.
    """
    found = dict(values)
    for name, field in model.model_fields.items():
        given = found.get(name)
        if isinstance(given, str) and given == "none" and type(None) in _choices(field.annotation):
            found[name] = None
    return found


def written(options: BaseModel) -> dict[str, Any]:
    """Return options as a recipe writes them: what is None is left out, or the word `none`."""
    fields = type(options).model_fields
    return {
        name: "none" if value is None else value
        for name, value in options.model_dump(mode="json").items()
        if value is not None or fields[name].get_default(call_default_factory=True) is not None
    }


class TypedInt(int):
    """A whole number, and how it was typed."""

    text: str


class TypedFloat(float):
    """A number, and how it was typed."""

    text: str


def parse_value(text: str) -> Any:
    """Read the value of `-o kind.option=value` as TOML, or as plain text where it is not TOML.

    A number remembers its text, which `parse_options` takes where an option is one: columns are
    called `0`, and commits `12345e7`. A date stays text; TOML alone has a type for it.
    """
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, or nested beyond all reason
        return text
    value = document["value"] if document.keys() == {"value"} else text
    if isinstance(value, date | time):
        return text
    typed: TypedInt | TypedFloat
    if type(value) is int:
        typed = TypedInt(value)
    elif type(value) is float:
        typed = TypedFloat(value)
    else:
        return value
    typed.text = text
    return typed


def as_typed(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with what was typed after `-o` as its text, where a field is text."""
    found = dict(values)
    for name, field in model.model_fields.items():
        if name in found and set(_choices(field.annotation)) <= _TEXT:
            found[name] = _typed_text(found[name])
    return found


def _typed_text(value: Any) -> Any:
    if isinstance(value, bool):  # has no room for its text, which is one of two
        return str(value).lower()
    return value.text if isinstance(value, TypedInt | TypedFloat) else value


def _explain(
    error: ValidationError, options: type[BaseModel], values: Mapping[str, Any], owner: str
) -> OptionError:
    errors = error.errors()
    first = errors[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    described = {option.name: option for option in describe_options(options)}
    if first["type"] == "extra_forbidden":
        known = ", ".join(described) or "none: it takes no options"
        return OptionError(
            f"unknown option {name!r}",
            where=f"in the options of {owner}",
            remedy=f"{did_you_mean(name, described)}Known options: {known}",
        )
    message = str(first["msg"]).removeprefix("Value error, ")
    if name not in described:  # a rule over several options
        return OptionError(message, where=f"in the options of {owner}")
    option = described[name]
    allowed = " ".join(part for part in (option.type, option.bounds) if part)
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return OptionError(
            f"option {name!r} is needed and was not given",
            where=f"in the options of {owner}",
            remedy=f"Give {allowed}: {option.description}",
        )
    given = values.get(name, option.default)
    # Of a value that fits none of several types there is one complaint a type: what is allowed
    # says more than any of them.
    places = {error["loc"][1:2] for error in errors if error["loc"][:1] == first["loc"][:1]}
    complaint = f": {message}" if len(places) == 1 else ""
    words = option.type.split(" | ") if first["type"] in ("literal_error", "enum") else ()
    near = did_you_mean(str(given), words)
    return OptionError(
        f"option {name!r} cannot be {given!r}{complaint}",
        where=f"in the options of {owner}",
        remedy=f"{near}Allowed: {allowed} (default {option.default!r})",
    )


_TEXT = {str, Path, type(None)}


def _choices(annotation: Any) -> Iterator[Any]:
    """The types that a value may have; of `str | None` these two."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _choices(inner[0])
    elif origin is Union or origin is UnionType:
        for choice in inner:
            yield from _choices(choice)
    else:
        yield annotation


def _type_name(annotation: Any) -> str:
    """Name a type as its values are written: `row | picture`, `[[int, int], …]`, `int | none`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is type(None):
        return "none"
    if annotation is Any:
        return "anything"
    if origin is Annotated:
        return _type_name(inner[0])
    if origin is Literal:
        return " | ".join(str(choice) for choice in inner)
    if origin is Union or origin is UnionType:
        return " | ".join(_type_name(choice) for choice in inner)
    if origin in (list, set, frozenset, Sequence):
        return f"[{_type_name(inner[0])}, …]"
    if origin is tuple:
        names = ("…" if part is Ellipsis else _type_name(part) for part in inner)
        return f"[{', '.join(names)}]"
    if origin in (dict, Mapping):
        return f"{{{_type_name(inner[0])} = {_type_name(inner[1])}, …}}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " | ".join(str(choice.value) for choice in annotation)
    return getattr(annotation, "__name__", str(annotation))


_SIGNS = (
    (annotated_types.Ge, "ge", "≥"),
    (annotated_types.Gt, "gt", ">"),
    (annotated_types.Le, "le", "≤"),
    (annotated_types.Lt, "lt", "<"),
    (annotated_types.MultipleOf, "multiple_of", "a multiple of"),
    (annotated_types.MinLen, "min_length", "length ≥"),
    (annotated_types.MaxLen, "max_length", "length ≤"),
)


def _bounds(field: FieldInfo) -> str:
    return ", ".join(
        f"{sign} {getattr(bound, attribute)}"
        for bound in field.metadata
        for kind, attribute, sign in _SIGNS
        if isinstance(bound, kind)
    )

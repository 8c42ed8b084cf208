"""What holds of every plugin class, whatever its kind."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from typing import Any

import tomli_w

from pixelgen.errors import OptionError
from pixelgen.options import Options, describe_options, parse_options, written
from pixelgen.recipe import PluginSection, SourceSection
from pixelgen.registration import interface_of
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.subject import Subject

CLASSES = ("tokenizer", "model", "sampler", "source", "executor", "tracker")


@check(*CLASSES)
def check_class_is_complete(subject: Subject) -> None:
    """The class can be imported, derives from its kind's interface, and implements every abstract
    method of it with the arguments that the interface names.

    What to do: derive from `pixelgen.Tokenizer`, `Model`, `Sampler`, `Source`, `Executor` or
    `Tracker`, and
    give each method the signature of the interface; further arguments need defaults.
    """
    interface = interface_of(subject.kind)
    missing = sorted(getattr(subject.type, "__abstractmethods__", ()))
    if missing:
        raise Broken(f"{subject.type.__name__} does not implement {', '.join(missing)}")
    for name, declared in vars(interface).items():
        method = None if name.startswith("_") else _function(declared)
        if method is None:
            continue
        own = _function(inspect.getattr_static(subject.type, name))
        if own is None:
            raise Broken(f"{name} is no method")
        wanted, found = inspect.signature(method), inspect.signature(own)
        try:
            _accepts(found, wanted)
        except TypeError as error:
            raise Broken(f"{name}{found} cannot be called as {name}{wanted}: {error}") from None


@check(*CLASSES)
def check_class_is_described(subject: Subject) -> None:
    """The class has a docstring, its registration a summary, and each option a description:
    `pixelgen plugins show`, the help and the documentation are made from them.

    What to do: write one line each: `Field(8, ge=1, description="how many …")`.
    """
    if not (subject.type.__doc__ or "").strip():
        raise Broken(f"{subject.type.__name__} has no docstring")
    if subject.registration is not None and not subject.registration.summary.strip():
        raise Broken(f"{subject.name!r} is registered without a summary")
    for option in describe_options(subject.type.Options):
        if not option.description.strip():
            raise Broken(f"the option {option.name!r} has no description")


@check(*CLASSES)
def check_options_are_validated(subject: Subject) -> None:
    """`Options` derives from `pixelgen.Options`: an unknown option is an error that names it, the
    defaults are allowed values themselves, and options cannot be changed afterwards.

    What to do: derive the inner `Options` from `pixelgen.Options` and leave its `model_config`
    alone.
    """
    if not (isinstance(subject.type.Options, type) and issubclass(subject.type.Options, Options)):
        raise Broken(f"Options is {subject.type.Options!r}, which does not derive from its base")
    parsed = subject.parsed()
    unknown = "surely_no_option"
    try:
        parse_options(subject.type.Options, {**subject.options, unknown: 1}, owner=subject.name)
    except OptionError as error:
        if unknown not in error.what:
            raise Broken(f"an unknown option is answered by {error.what!r}") from None
    else:
        raise Broken(f"an unknown option, {unknown}=1, is taken without a word")
    for name in type(parsed).model_fields:
        try:
            setattr(parsed, name, getattr(parsed, name))
        except (ValueError, TypeError):  # frozen
            continue
        raise Broken(f"the option {name!r} can be changed after it was checked")


@check(*CLASSES)
def check_options_survive_a_recipe(subject: Subject) -> None:
    """Options that are written into a recipe's TOML and read again are the same options; none is
    called `name`, which in a recipe's table is the plugin's, nor `location` in a source.

    What to do: use types that TOML has: numbers, text, true and false, lists and tables; or None.
    Call what names a picture its title.
    """
    parsed = subject.parsed()
    section = SourceSection if subject.kind == "source" else PluginSection
    reserved = set() if subject.kind == "tracker" else set(section.model_fields)
    if taken := sorted(reserved & set(type(parsed).model_fields)):
        raise Broken(f"the option {taken[0]!r} cannot be set: a recipe's table has one already")
    recipe = tomllib.loads(tomli_w.dumps(written(parsed)))
    again = parse_options(subject.type.Options, recipe, owner=subject.name)
    for name in type(parsed).model_fields:
        was, became = getattr(parsed, name), getattr(again, name)
        if was != became:
            raise Broken(f"the option {name!r} was {was!r} and comes back as {became!r}")


def _function(declared: Any) -> Callable[..., Any] | None:
    """The function of a method of any kind, with its first argument; None for anything else."""
    plain = getattr(declared, "__func__", declared)
    return plain if inspect.isfunction(plain) else None


def _accepts(found: inspect.Signature, wanted: inspect.Signature) -> None:
    """Raises TypeError where a call that fits `wanted` does not fit `found`."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in wanted.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = None
        else:
            positional.append(None)
    found.bind(*positional, **named)

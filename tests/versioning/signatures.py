"""The public surface as text: every hook, interface and function, with its arguments.

    python tests/versioning/signatures.py

writes `public_api.txt` anew. Whoever does so says in CHANGELOG.md what is new, and raises the
versions in `pixelgen/api_versions.py` where plugins are concerned, as docs/versioning.md has it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pixelgen
import pixelgen.testing
from pixelgen import hookspecs
from pixelgen.api_versions import API_VERSIONS
from pixelgen.registration import interface_of

RECORD = Path(__file__).parent / "public_api.txt"


def lines() -> Iterator[str]:
    """Yield the surface, a line each: versions, hooks, interfaces and functions."""
    for area, version in API_VERSIONS.items():
        yield f"version of {area}: {version}"
    for hook in (
        *hookspecs.REGISTERING_HOOKS.values(),
        "register_commands",
        *hookspecs.EVENT_HOOKS,
    ):
        yield from _function(f"hook {hook}", getattr(hookspecs, hook))
    for kind in hookspecs.REGISTERING_HOOKS:
        yield from _class(f"interface {kind}", interface_of(kind))
    for module in (pixelgen, pixelgen.testing):
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            where = f"{module.__name__}.{name}"
            if inspect.isclass(thing):
                yield from _class(where, thing)
            elif callable(thing):
                yield from _function(where, thing)
            else:
                yield where


def _class(where: str, thing: type[Any]) -> Iterator[str]:
    yield f"{where}: {', '.join(base.__name__ for base in thing.__bases__)}"
    for name in sorted(vars(thing)):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(thing, name)
        function = getattr(member, "__func__", member)
        if isinstance(member, property):
            yield f"{where}.{name}: a property"
        elif inspect.isfunction(function):
            yield from _function(f"{where}.{name}", function)


def _function(where: str, function: Any) -> Iterator[str]:
    parameters = inspect.signature(function).parameters.values()
    yield f"{where}({', '.join(_parameter(each) for each in parameters)})"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    name = stars.get(parameter.kind, "") + parameter.name
    if parameter.kind is parameter.KEYWORD_ONLY:
        name = f"{name} by name"
    if parameter.default is parameter.empty:
        return name
    default = "a function" if callable(parameter.default) else repr(parameter.default)
    return f"{name}={default}"


if __name__ == "__main__":
    RECORD.write_text("\n".join(lines()) + "\n", encoding="utf-8")

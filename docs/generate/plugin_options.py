"""The page of every option of every bundled plugin, from their pydantic classes."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

from docs.generate.tables import NOTE, options_table
from pixelgen.hookspecs import REGISTERING_HOOKS
from pixelgen.plugins import KNOWN_ELSEWHERE, catalogue
from pixelgen.registration import Registration

HEAD = """# Options of every plugin

What `pixelgen plugins show NAME` prints, for the plugins of this repository. Set one with
`-o KIND.OPTION=VALUE` on the command line, under `[KIND]` in a recipe, or in the `options` of
`pixelgen.train`; of a tracker with `-o trackers.NAME.OPTION=VALUE`, or under `[trackers.NAME]`.
The device is no option of a plugin: `--device` sets it for the whole run.
"""
BUNDLED = {"pixelgen-core", *KNOWN_ELSEWHERE.values()}


def page() -> str:
    """Return the page, in Markdown.

    Raises:
        RuntimeError: a distribution of this repository is not installed.
    """
    found = catalogue()
    registrations = [
        claim
        for claims in found.registrations.values()
        for claim in claims
        if claim.origin.distribution in BUNDLED
    ]
    missing = BUNDLED - {claim.origin.distribution for claim in registrations}
    if missing:
        raise RuntimeError(f"not installed, and so not on the page: {', '.join(sorted(missing))}")
    parts = [NOTE, HEAD]
    for kind in REGISTERING_HOOKS:
        parts.append(f"## {kind.capitalize()}s\n")
        parts += [_section(claim) for claim in registrations if claim.kind == kind]
    return "\n".join(parts)


def _section(claim: Registration) -> str:
    plugin = _class(claim)
    origin = claim.origin.distribution
    where = "" if origin == "pixelgen-core" else f" It comes with `pip install {origin}`."
    text = _about(inspect.cleandoc(plugin.__doc__ or claim.summary))
    options = options_table(plugin.Options) if plugin.Options.model_fields else "It has no options."
    return f"### {claim.name}\n\n{text}{where}\n\n{options.rstrip()}\n"


def _about(docstring: str) -> str:
    """What a docstring says before its sections."""
    return re.split(r"\n(?:Args|Attributes|Raises):\n", docstring)[0].strip()


def _class(claim: Registration) -> type[Any]:
    """Import the class, even if what it needs is not installed: its options need nothing."""
    module, _, name = claim.target.partition(":")
    plugin: type[Any] = getattr(importlib.import_module(module), name)
    return plugin

"""All checks of each kind, in the order in which they are run and documented."""

from __future__ import annotations

import importlib

from pixelgen.testing.contract import Check, known_checks

# Importing them is what makes their checks known.
_MODULES = (
    "every_class",
    "modules",
    "tokenizers.tokens",
    "tokenizers.edges",
    "tokenizers.storage",
    "models.likelihood",
    "models.learning",
    "models.painting",
    "models.storage",
    "models.edges",
    "samplers",
    "sources",
    "executors",
    "trackers",
)


def checks_of(kind: str) -> tuple[Check, ...]:
    """Return the checks of a kind of plugin; `plugin` for those of an entry point's module."""
    for module in _MODULES:
        importlib.import_module(f"pixelgen.testing.{module}")
    return known_checks(kind)

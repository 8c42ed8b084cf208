"""Plugins made on the spot, for tests of how plugins are found and used."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from pixelgen.hookspecs import hookimpl

TARGET = "coin_of_a_test:Coin"


def plugin(**hooks: Callable[..., None]) -> ModuleType:
    """A plugin's module with these hooks."""
    module = ModuleType("plugin_of_a_test")
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook))
    return module


def sampler(name: str, target: str = TARGET, **details: Any) -> ModuleType:
    """A plugin's module that registers one sampler."""
    return plugin(register_samplers=lambda register: register(name, target, **details))

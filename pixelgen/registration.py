"""One registered plugin: where it comes from, what it needs, and how its class is imported."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pixelgen.errors import OptionError, PluginUnusable, did_you_mean
from pixelgen.importing import without_collecting


def check_kind(kind: str, known: Collection[str], *, where: str = "in --kind") -> None:
    """Raise `OptionError` if no kind of plugin is called so."""
    if kind not in known:
        raise OptionError(
            f"no kind of plugin is called {kind!r}",
            where=where,
            remedy=f"{did_you_mean(kind, known)}Known: {', '.join(known)}",
        )


@dataclass(frozen=True)
class Origin:
    """Which distribution a plugin belongs to, and how it was found."""

    plugin: str  # the entry point's name
    distribution: str
    version: str
    found: str  # "built-in", "entry point" or "registered in place"

    def __str__(self) -> str:
        return f"{self.plugin!r} of {self.distribution} {self.version}".rstrip()


@dataclass(frozen=True)
class Registration:
    """One name of one kind, and the class that it stands for."""

    kind: str
    name: str
    target: str
    summary: str
    needs: tuple[str, ...]
    origin: Origin
    outdated: str = ""  # why its version of the interface cannot be used here

    def unmet(self) -> list[str]:
        """Return the needed modules that are not installed; imports none of them."""
        return [module for module in self.needs if not is_installed(module)]

    def _how_to_install(self, missing: Sequence[str]) -> str:
        """A module may be called otherwise on an index, and what is called so may be anything."""
        try:
            required = importlib.metadata.requires(self.origin.distribution) or []
        except importlib.metadata.PackageNotFoundError:
            required = []
        named = {re.split(r"[^\w.-]", line.strip())[0].lower() for line in required}
        if {module.partition(".")[0].lower() for module in missing} <= named:
            return f"Install it with: pip install {' '.join(missing)}"
        return f"Install what provides it; {self.origin.distribution} says what that is called"

    def load(self) -> type[Any]:
        """Import the class.

        Raises:
            PluginUnusable: it is written for another version of the interface, a need is missing,
                the import fails, or the target is no class of its kind.
        """
        if self.outdated:
            raise PluginUnusable(
                f"{self.kind} {self.name!r} cannot be used here: {self.outdated}",
                where=f"plugin {self.origin}",
                remedy="See: pixelgen plugins list",
            )
        missing = self.unmet()
        if missing:
            raise PluginUnusable(
                f"{self.kind} {self.name!r} needs {', '.join(missing)}, which is not installed",
                where=f"plugin {self.origin}",
                remedy=self._how_to_install(missing),
            )
        module_name, _, attribute = self.target.partition(":")
        try:
            with without_collecting():
                loaded = getattr(importlib.import_module(module_name), attribute)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # such as SystemExit, or a panic of an extension in Rust
            raise PluginUnusable(
                f"{self.kind} {self.name!r} cannot be imported: {reason_of(error)}",
                where=f"{self.target} of plugin {self.origin}",
                remedy=f"Reinstall or mend {self.origin.distribution}, or pick another: "
                "pixelgen plugins list",
            ) from error
        if not isinstance(loaded, type):
            raise PluginUnusable(
                f"{self.kind} {self.name!r} is {type(loaded).__name__}, not a class",
                where=f"{self.target} of plugin {self.origin}",
                remedy="Register a class: 'package.module:Class'",
            )
        interface = interface_of(self.kind)
        if not issubclass(loaded, interface):
            raise PluginUnusable(
                f"{self.kind} {self.name!r} is no {interface.__name__}: {loaded.__name__} does not "
                "derive from it",
                where=f"{self.target} of plugin {self.origin}",
                remedy=f"Derive it from pixelgen.{interface.__name__}",
            )
        return loaded


@dataclass(frozen=True)
class Problem:
    """Something wrong with a plugin, and what came of it."""

    origin: Origin
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.origin}: {self.reason}"


def interface_of(kind: str) -> type[Any]:
    """The abstract base class of a kind: `Model` of `pixelgen.models.interface`, and so on."""
    module = importlib.import_module(f"pixelgen.{kind}s.interface")
    interface: type[Any] = getattr(module, kind.capitalize())
    return interface


@cache
def has_cuda_device() -> bool:
    """Whether this machine seems to have an NVIDIA GPU; looks for the driver, imports nothing."""
    if os.name == "nt":
        return shutil.which("nvidia-smi") is not None
    # Linux, where a container may have been given any of them; and Linux under Windows.
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


@cache
def is_installed(module: str) -> bool:
    """Whether a top-level module could be imported; imports nothing."""
    package = module.partition(".")[0]  # to find a submodule would be to import its package
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def reason_of(error: BaseException) -> str:
    """Return an exception in one line: its type and what it says, if it can say it."""
    try:
        said = str(error)
    except Exception:
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__

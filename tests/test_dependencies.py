"""Each distribution requires what it imports, and does not rely on another to bring it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from distributions import SOURCES

# Where a distribution is not called as its module.
CALLED = {"PIL": "pillow"}

# Imported where it is there; what to install is said where it is not.
OPTIONAL = {
    "pixelgen-core": {"pyarrow", "pytest"},
    "pixelgen-keras": {"jax", "tensorflow", "torch"},  # an engine is an extra, or the user's
}


def imported(package: Path) -> set[str]:
    """The top-level modules that a package's files import anywhere."""
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    return found - sys.stdlib_module_names - {package.name}


def plain(name: str) -> str:
    """A distribution's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_imported_is_required(name: str) -> None:
    project = tomllib.loads((SOURCES[name] / "pyproject.toml").read_text())["project"]
    required = {plain(re.split(r"[^\w.-]", line)[0]) for line in project["dependencies"]}
    (package,) = (marker.parent for marker in SOURCES[name].glob("pixelgen*/py.typed"))
    modules = imported(package) - OPTIONAL.get(name, set())
    needed = {plain(CALLED.get(module, module)) for module in modules}
    if name != "pixelgen-core":
        needed = {"pixelgen-core" if module == "pixelgen" else module for module in needed}
    assert needed <= required

"""An environment for the tutorials, as a plugin's author would make it."""

from __future__ import annotations

import pytest
from new_environment import ROOT, NewEnvironment, build


@pytest.fixture(scope="session")
def author(tmp_path_factory: pytest.TempPathFactory) -> NewEnvironment:
    """A new environment with the core's wheel, and the tools that a plugin's tests ask for."""
    folder = tmp_path_factory.mktemp("author")
    build(ROOT, folder, "wheel")
    tools = ["pytest", "mypy", "ruff", "array-api-strict"]  # what `pixelgen plugins new` tests with
    environment = NewEnvironment(folder / "environment", folder, ["pixelgen-core", *tools])
    environment.install("pixelgen-core", cwd=folder)
    return environment

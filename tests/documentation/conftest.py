"""An environment for the tutorials, as a plugin's author would make it."""

from __future__ import annotations

import pytest
from new_environment import ROOT, NewEnvironment, build


@pytest.fixture(scope="session")
def author(tmp_path_factory: pytest.TempPathFactory) -> NewEnvironment:
    """A new environment with the core's wheel, and pytest to be had."""
    folder = tmp_path_factory.mktemp("author")
    build(ROOT, folder, "wheel")
    environment = NewEnvironment(folder / "environment", folder, ["pixelgen-core", "pytest"])
    environment.install("pixelgen-core", cwd=folder)
    return environment

"""All distributions of this repository, built once, and an environment with their wheels."""

from __future__ import annotations

import pytest
from distributions import SOURCES, Built
from new_environment import NewEnvironment, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """Each distribution's sdist, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    found = {}
    for name, source in SOURCES.items():
        sdist, wheel = sorted(build(source, folder), key=lambda path: path.suffix)
        found[name] = Built(name, source, sdist, wheel)
    return found


@pytest.fixture(scope="session")
def installed(built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory) -> NewEnvironment:
    """A new environment in which all the wheels are installed."""
    folder = tmp_path_factory.mktemp("installed")
    wheels = next(iter(built.values())).wheel.parent
    environment = NewEnvironment(folder / "environment", wheels, built)
    environment.install("--no-deps", *(str(each.wheel) for each in built.values()), cwd=folder)
    return environment

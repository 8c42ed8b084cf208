"""A new virtual environment in which the wheel is installed, and nothing of the source tree.

What pixelgen and its tests depend on is there by symbolic links to what is installed here, so that
making one takes a second and no network. Wheels are built from the source tree and installed by
pip, as a user's are.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
BUILD = ("pip", "hatchling", "hatch-fancy-pypi-readme", "editables")
OURS = re.compile(r"pixelgen[-_].*")


def build(source: Path, into: Path, *targets: str) -> list[Path]:
    """Build a distribution's wheel, sdist or both (`wheel`, `sdist`) and return their paths."""
    before = set(into.glob("*"))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(into)]
    command += [f"--{target}" for target in targets]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(set(into.glob("*")) - before)


class NewEnvironment:
    """A virtual environment in a folder of its own.

    Args:
        path: where to make it.
        wheels: the folder in which pip finds the distributions of this repository.
        packages: what is there from the start, with all that it needs: names as on an index.
    """

    def __init__(self, path: Path, wheels: Path, packages: Iterable[str]) -> None:
        self.path, self.wheels = path, wheels
        venv.create(path, with_pip=False)
        base = {"base": str(path), "platbase": str(path)}
        self.site = Path(sysconfig.get_path("purelib", vars=base))
        for distribution in _with_needs([*packages, *BUILD]):
            _link(distribution, self.site)
        for name in ("pip", "pytest", "mypy"):
            script = self.bin / name
            script.write_text(f'#!/bin/sh\nexec "{self.bin}/python" -m {name} "$@"\n')
            script.chmod(0o755)

    @property
    def bin(self) -> Path:
        """The folder of the environment's commands."""
        return self.path / "bin"

    def run(
        self, *command: str, cwd: Path, code: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody who has activated the environment; fail on another code."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PIXELGEN_", "COV_", "COVERAGE_", "PYTEST_"))
        }
        environment = {
            **kept,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.path),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the option's value: no isolation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "COLUMNS": "80",
            **variables,
        }
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (
            f"{' '.join(command)}\nleft with {done.returncode}, not {code}\n"
            f"{done.stdout}\n{done.stderr}"
        )
        return done

    def install(self, *what: str, cwd: Path) -> None:
        """Install distributions with pip, from the wheels or a folder."""
        self.run("pip", "install", "--quiet", *what, cwd=cwd)


def _with_needs(names: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """The distributions of these names that are installed here, and all that they need."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of an extra, or for another platform
        if name not in found:
            found[name] = distribution
            for needed in map(Requirement, distribution.requires or ()):
                if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                    waiting.append(needed)
    return [distribution for name, distribution in found.items() if not OURS.fullmatch(name)]


def _link(distribution: importlib.metadata.Distribution, site: Path) -> None:
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    for top in tops - {"__pycache__", "bin"}:
        target = site / top
        if not target.exists():
            target.symlink_to(Path(str(distribution.locate_file(top))).resolve())

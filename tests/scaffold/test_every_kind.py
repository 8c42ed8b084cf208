"""What `pixelgen plugins new` writes works as written, for every kind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pixelgen.scaffold.distribution import KINDS, LONGEST, write_distribution

ROOT = Path(__file__).parents[2]


def called(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with none of the options that the tests around it were given."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env={**outside, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new distribution of every kind."""
    into = tmp_path_factory.mktemp("new")
    for kind in KINDS:
        write_distribution(f"new-{kind}", kind, into, "Ada")
    return into


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that has all of them as an installer would leave them."""
    site = tmp_path_factory.mktemp("site")
    for folder in distributions.iterdir():
        metadata = tomllib.loads((folder / "pyproject.toml").read_text())
        name, version = metadata["project"]["name"], metadata["project"]["version"]
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        entries = metadata["project"]["entry-points"]["pixelgen"].items()
        lines = ["[pixelgen]", *(f"{entry} = {target}" for entry, target in entries)]
        (info / "entry_points.txt").write_text("\n".join(lines))
        (package,) = metadata["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        shutil.copytree(folder / package, site / package)
    return site


def test_its_own_tests_pass(distributions: Path, installed: Path) -> None:
    command = ["pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-rA"]
    ran = called(*command, distributions, cwd=distributions, PYTHONPATH=str(installed))
    assert ran.returncode == 0, ran.stdout[-3000:]
    for kind in KINDS:  # each one's conformance was among them, and a test of its own
        tests = re.findall(rf"PASSED \S*test_new_{kind}\.py::(\w+)", ran.stdout)
        assert tests.count("test_conformance") >= 6
        assert len(set(tests)) == 2


@pytest.mark.parametrize("kind", ["sampler", "events", "command"])
def test_plugins_check_passes(kind: str, installed: Path, tmp_path: Path) -> None:
    command = ["pixelgen", "plugins", "check", f"new-{kind}", "--json"]
    ran = called(*command, cwd=tmp_path, PYTHONPATH=str(installed))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["ok"]


def test_the_code_is_clean(distributions: Path) -> None:
    for command in (["check", "."], ["format", "--check", "."]):
        ran = called("ruff", *command, "--no-cache", cwd=distributions)
        assert ran.returncode == 0, ran.stdout


def test_the_code_is_clean_whatever_the_length_of_the_name(tmp_path: Path) -> None:
    for kind in KINDS:
        longest = "a" * (LONGEST - len(f"-{kind}"))
        for name in (f"a-{kind}", f"gated-middling-{kind}", f"{longest}-{kind}"):
            write_distribution(name, kind, tmp_path, "Ada")
    for command in (["check", "."], ["format", "--check", "."]):
        ran = called("ruff", *command, "--no-cache", cwd=tmp_path)
        assert ran.returncode == 0, ran.stdout


def test_the_code_is_typed(installed: Path) -> None:
    packages = sorted(path.name for path in installed.iterdir() if path.name.startswith("pixelgen"))
    packages = [name for name in packages if not name.endswith("dist-info")]
    command = ["mypy", "--strict", "--cache-dir", ROOT / ".mypy_cache"]
    selected = [word for name in packages for word in ("-p", name)]
    ran = called(*command, *selected, cwd=installed, MYPYPATH=f"{ROOT}")
    assert ran.returncode == 0, ran.stdout


def test_every_file_is_there(distributions: Path) -> None:
    folder = distributions / "pixelgen-new-sampler"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    files = {name for name in files if "cache" not in name}
    assert files == {
        ".github/workflows/ci.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "pixelgen_new_sampler/__init__.py",
        "pixelgen_new_sampler/plugin.py",
        "pixelgen_new_sampler/py.typed",
        "pixelgen_new_sampler/sampler.py",
        "pyproject.toml",
        "tests/test_new_sampler.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert "pixelgen-core>=0.1,<0.2" in project["dependencies"]
    assert "Ada" in (folder / "LICENSE").read_text()
    assert "${{ matrix.python }}" in (folder / ".github/workflows/ci.yml").read_text()

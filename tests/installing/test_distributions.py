"""What is uploaded: metadata, contents, and that it works from an empty folder."""

from __future__ import annotations

import email
import email.message
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from distributions import SOURCES, Built
from new_environment import NewEnvironment

pytestmark = pytest.mark.slow

NAMES = sorted(SOURCES)
LINK = re.compile(r"\]\((?!https?://|#)([^)]+)\)")
PICTURE = re.compile(r"<p align=.*?</p>\n\n", re.DOTALL)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata_of(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_twine_finds_nothing_wrong(built: dict[str, Built]) -> None:
    files = [str(path) for each in built.values() for path in (each.sdist, each.wheel)]
    command = [sys.executable, "-m", "twine", "check", "--strict", *files]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") == len(files)


@pytest.mark.parametrize("name", NAMES)
def test_the_metadata_say_what_a_user_must_know(built: dict[str, Built], name: str) -> None:
    metadata = metadata_of(built[name].wheel)
    assert metadata["Name"] == name
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert len(metadata.get_all("Classifier", [])) >= 6
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    readme = (built[name].source / "README.md").read_text(encoding="utf-8")
    shown = metadata.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "<img" not in shown  # an index has no files of the repository
    assert shown == PICTURE.sub("", readme)


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_has_no_links_that_an_index_cannot_follow(name: str) -> None:
    assert LINK.findall((SOURCES[name] / "README.md").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_wheel_holds_the_package_and_nothing_else(built: dict[str, Built], name: str) -> None:
    (package,) = (path.parent for path in built[name].source.glob("pixelgen*/py.typed"))
    written = {
        str(path.relative_to(package.parent))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if name == "pixelgen-core":
        recipes = (built[name].source / "examples").glob("*.toml")
        written |= {f"pixelgen/examples/{recipe.name}" for recipe in recipes}
    held = names_in(built[name].wheel)
    about = {entry for entry in held if entry.partition("/")[0].endswith(".dist-info")}
    assert held - about == written
    assert f"{package.name}/py.typed" in held
    assert any(entry.endswith(".dist-info/licenses/LICENSE") for entry in about)
    assert not any(re.search(r"(^|/)(tests?|docs|benchmarks)/", entry) for entry in held)


@pytest.mark.parametrize("name", NAMES)
def test_the_sdist_holds_no_more_than_source(built: dict[str, Built], name: str) -> None:
    with tarfile.open(built[name].sdist) as archive:
        tops = {Path(entry).parts[1] for entry in archive.getnames() if len(Path(entry).parts) > 1}
    (package,) = (path.parent.name for path in built[name].source.glob("pixelgen*/py.typed"))
    usual = {"README.md", "LICENSE", "pyproject.toml", "PKG-INFO", package}
    assert usual <= tops
    assert tops <= usual | {"CHANGELOG.md", "examples", ".gitignore"}


def test_they_accept_each_others_versions(installed: NewEnvironment, tmp_path: Path) -> None:
    checked = installed.run("sh", "-c", "pip check || true", cwd=tmp_path).stdout
    # What else is installed here, and what is not, is none of our business.
    ours = [line for line in checked.splitlines() if line.startswith("pixelgen-")]
    assert [line for line in ours if "has requirement" in line or " pixelgen" in line] == []


def test_no_plugin_is_broken(installed: NewEnvironment, tmp_path: Path) -> None:
    found = json.loads(installed.run("pixelgen", "plugins", "list", "--json", cwd=tmp_path).stdout)
    assert found["problems"] == []
    assert {plugin["distribution"] for plugin in found["plugins"]} == set(SOURCES)


def test_it_runs_from_an_empty_folder(installed: NewEnvironment, tmp_path: Path) -> None:
    quick = ["--size", "12", "--colors", "16", "-o", "source.pictures=4", "-o", "training.steps=2"]
    model = "torch-lstm" if (installed.site / "torch").exists() else "numpy-lstm"
    done = installed.run("pixelgen", "run", "--model", model, *quick, cwd=tmp_path)
    sheet = tmp_path / done.stdout.splitlines()[-1]
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_taken_from_the_source_tree(installed: NewEnvironment, tmp_path: Path) -> None:
    code = "import pixelgen, sys; print(pixelgen.__file__, *sys.path, sep='\\n')"
    paths = installed.run("python", "-c", code, cwd=tmp_path).stdout.splitlines()
    assert Path(paths[0]).is_relative_to(installed.path)
    source = str(SOURCES["pixelgen-core"])
    assert not any(path == source or path.startswith(f"{source}/plugins") for path in paths)


def test_the_recipes_come_with_the_wheel(installed: NewEnvironment, tmp_path: Path) -> None:
    shown = installed.run("pixelgen", "recipes", "monet", cwd=tmp_path).stdout
    assert shown == (SOURCES["pixelgen-core"] / "examples" / "monet.toml").read_text()

"""The example of a third party's plugin: in an environment of its own, with the core's wheel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from new_environment import ROOT, NewEnvironment, build
from pages import TUTORIALS, blocks

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "third-party-plugin"
TYPED = ("tokenizer.md", "events.md")  # tutorials whose code says its types


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> NewEnvironment:
    """The wheels of the core and of the example, and tools to be had."""
    folder = tmp_path_factory.mktemp("third-party")
    source = shutil.copytree(EXAMPLE, folder / "source")  # built where nothing else is
    build(ROOT, folder, "wheel")
    (wheel,) = build(source, folder, "wheel")
    tools = ["pixelgen-core", "pytest", "mypy"]
    made = NewEnvironment(folder / "environment", folder, tools)
    made.install(str(wheel), cwd=folder)  # and the core's wheel, which it asks for
    return made


def test_it_is_found(environment: NewEnvironment, tmp_path: Path) -> None:
    found = json.loads(
        environment.run("pixelgen", "plugins", "list", "--json", cwd=tmp_path).stdout
    )
    assert found["problems"] == []
    (plugin,) = (each for each in found["plugins"] if each["name"] == "epsilon")
    assert plugin["usable"]
    assert plugin["distribution"] == "pixelgen-epsilon"
    assert plugin["origin"] == "entry point"


def test_its_own_tests_pass(environment: NewEnvironment, tmp_path: Path) -> None:
    tests = shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    environment.run("pytest", "-q", "-p", "no:cacheprovider", str(tests), cwd=tmp_path)


def test_it_paints(environment: NewEnvironment, tmp_path: Path) -> None:
    quick = ["--size", "12", "--colors", "16", "-o", "source.pictures=4", "-o", "training.steps=2"]
    done = environment.run(
        *["pixelgen", "run", "--model", "markov", "--sampler", "epsilon", *quick],
        *["-o", "sampler.epsilon=0.01"],
        cwd=tmp_path,
    )
    sheet = tmp_path / done.stdout.splitlines()[-1]
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_plugins_are_checked_against_the_types_of_the_wheel(
    environment: NewEnvironment, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE / "pixelgen_epsilon", tmp_path / "pixelgen_epsilon")
    for name in TYPED:
        shown = next(block for block in blocks(TUTORIALS / name) if block.title)
        (tmp_path / f"shown_{Path(name).stem}.py").write_text(shown.text)
    sampler = (EXAMPLE / "pixelgen_epsilon" / "sampler.py").read_text()
    wrong = sampler.replace(
        "logits: Any, xp: Any) -> Any:", "logits: Any) -> Any:\n        xp: Any = None"
    )
    assert wrong != sampler
    checked = environment.run("mypy", "--strict", ".", cwd=tmp_path).stdout
    assert "Success" in checked
    (tmp_path / "wrong.py").write_text(wrong)
    complaint = environment.run("mypy", "--strict", "wrong.py", cwd=tmp_path, code=1).stdout
    assert 'Signature of "probabilities" incompatible with supertype' in complaint

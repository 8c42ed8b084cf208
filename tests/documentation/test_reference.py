"""The reference has everything that a plugin's author may use, and is what the code says now."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import subprocess
import sys

import pytest
from pages import ROOT

import pixelgen
from docs.generate import recipe_tables
from pixelgen import hookspecs
from pixelgen.cli.recipes import bundled_recipes
from pixelgen.plugins import KNOWN_ELSEWHERE, Catalogue

REFERENCE = ROOT / "docs" / "reference"
DIRECTIVE = re.compile(r"^::: (pixelgen[\w.]*)$", re.MULTILINE)
BUNDLED = sorted({name.replace("-", "_") for name in KNOWN_ELSEWHERE.values()})


def headings_of_hooks() -> list[str]:
    known = Catalogue().hooks.hook
    return [
        f"## {name}({', '.join(inspect.signature(getattr(hookspecs, name)).parameters)})"
        for name in vars(known)
        if not name.startswith("_")
    ]


@pytest.mark.parametrize("heading", headings_of_hooks())
def test_a_hook_has_a_heading_with_its_arguments(heading: str) -> None:
    lines = (REFERENCE / "hooks.md").read_text(encoding="utf-8").splitlines()
    assert heading in lines
    assert f"::: pixelgen.hookspecs.{heading[3:].partition('(')[0]}" in lines


def test_every_hook_is_looked_for() -> None:
    assert len(headings_of_hooks()) >= 10


@pytest.mark.parametrize("name", sorted(set(pixelgen.__all__) - {"__version__", "hookimpl"}))
def test_a_public_name_is_in_the_reference(name: str) -> None:
    shown = {
        path
        for page in REFERENCE.glob("*.md")
        for path in DIRECTIVE.findall(page.read_text(encoding="utf-8"))
    }
    thing = getattr(pixelgen, name)
    assert {f"{thing.__module__}.{thing.__qualname__}", thing.__module__} & shown


@pytest.mark.parametrize("page", sorted(REFERENCE.glob("*.md")), ids=lambda page: page.stem)
def test_what_the_reference_shows_is_there(page) -> None:
    for path in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if importlib.util.find_spec(parts[0]) and _is_module(name):
                thing = importlib.import_module(name)
                for attribute in parts[length:]:
                    thing = getattr(thing, attribute)
                assert inspect.getdoc(thing)
                break


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_generated_pages_and_pictures_are_current() -> None:
    for package in BUNDLED:
        pytest.importorskip(package)
    checked = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_is_listed_as_a_recipe_can_be_run_as_one() -> None:
    """`run --recipe` refuses the matrices of `pixelgen compare`, which lie beside the recipes."""
    page = recipe_tables.page()
    recipes, matrices = page[page.index("## Recipes that") :].split("## Matrices that")
    assert re.findall(r"^\| `(.+?)`", recipes, flags=re.M) == list(bundled_recipes())
    listed = re.findall(r"^\| `(.+?)`", matrices, flags=re.M)
    assert listed == ["compare-backends", "compare-tokenizers"]

"""Every block of Python and TOML in the documentation works as it is shown.

The blocks of a page are run in their order, in one namespace and one folder, with eight small
pictures in `paintings/`. Budgets are made small; nothing else is changed.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from pages import ROOT, TUTORIALS, Block, blocks, pages

from pixelgen.recipe import Recipe
from pixelgen.testing import check_sampler, registered

BUDGET = re.compile(r"\bminutes=[\d.]+")
SMALL = 'options={"training": {"steps": 2}, "data": {"size": 24}, "painting": {"pictures": 1}}'

WITH_PYTHON = [
    page
    for page in pages()
    if page.parent != TUTORIALS and any(block.language == "python" for block in blocks(page))
]
TOML = [block for page in pages() for block in blocks(page) if block.language == "toml"]
PYTHON = [block for page in pages() for block in blocks(page) if block.language == "python"]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_the_python_of_a_page_runs(
    page: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [block for block in blocks(page) if block.language == "python" and not block.reason]
    if any("torch-lstm" in block.text for block in shown):
        pytest.importorskip("pixelgen_torch")
        pytest.importorskip("torch")
    folder.rename(tmp_path / "paintings")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=os.pathsep)
    namespace: dict[str, object] = {"__name__": "documentation"}
    for block in shown:
        exec(BUDGET.sub(SMALL, block.given), namespace)
        code = "\n" * block.line + BUDGET.sub(SMALL, block.text)
        exec(compile(code, str(page), "exec"), namespace)


def test_the_sampler_of_the_readme_passes_every_check_of_samplers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (each for each in blocks(ROOT / "README.md") if "class Coin" in each.text)
    (tmp_path / "my_sampler.py").write_text(block.text)
    monkeypatch.syspath_prepend(tmp_path)
    with registered(importlib.import_module("my_sampler")):
        assert check_sampler("coin").ok
    del sys.modules["my_sampler"]


@pytest.mark.parametrize("block", TOML, ids=str)
def test_toml_is_toml_and_recipes_are_recipes(block: Block) -> None:
    contents = tomllib.loads(block.text)
    assert contents
    if contents.keys() <= Recipe.model_fields.keys():
        Recipe.parse(contents)


def test_shown_python_is_written_as_ours_is(tmp_path: Path) -> None:
    for number, block in enumerate(PYTHON):
        # The name and place of a file count where imports are sorted.
        plugin = "plugin" if block.page.parent == TUTORIALS else "use"
        path = tmp_path / plugin / f"{number:03d}_{block.page.stem.replace('-', '_')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text)
    style = ["--config", str(ROOT / "pyproject.toml")]
    # A block goes on where the one before it ended, and prints what a reader wants to see.
    ruff("check", *style, "--extend-ignore", "F821,T20,E402,I001", str(tmp_path))
    ruff("format", "--diff", *style, str(tmp_path))
    theirs = [
        *["--config", 'lint.isort.known-third-party=["pixelgen"]'],
        *["--config", 'lint.isort.known-first-party=["pixelgen_epsilon"]'],
    ]
    ruff("check", "--isolated", "--select", "I", *theirs, str(tmp_path / "plugin"))


def ruff(*words: str) -> None:
    command = [sys.executable, "-m", "ruff", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

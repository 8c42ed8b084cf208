"""Every `pixelgen …` command that the documentation shows is one that pixelgen takes."""

from __future__ import annotations

import itertools
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from distributions import SOURCES
from packaging.requirements import Requirement
from pages import TUTORIALS, Block, blocks, inline_code, pages

from pixelgen.cli import app, main
from pixelgen.plugins import KNOWN_ELSEWHERE, catalogue
from pixelgen.registration import is_installed

GENERATED = "command-line.md"  # shows usage, with placeholders
SETTING = re.compile(r"[A-Z_]+=\S*")
PICKED = {"-m": "model", "--model": "model", "-q": "tokenizer", "--quantizer": "tokenizer"}


def commands(block: Block) -> Iterator[list[str]]:
    """The words after `pixelgen` of each command in a block of shell."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if "pixelgen" not in line:
            continue
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        for separator, words in itertools.groupby(reader, lambda word: set(word) <= set("&|;")):
            command = list(itertools.dropwhile(SETTING.fullmatch, words))
            if not separator and command and Path(command[0]).name == "pixelgen":
                yield command[1:]


SHOWN = [
    pytest.param(words, id=f"{block}-{' '.join(words)}")
    for page in pages()
    if page.name != GENERATED
    for block in blocks(page)
    if block.language in ("sh", "") and not (page.parent == TUTORIALS and block.language)
    for words in commands(block)
]
MENTIONED = [
    shlex.split(code)[1:]
    for page in pages()
    if page.name != GENERATED
    for code in inline_code(page)
    if code.startswith("pixelgen ") and "…" not in code
]


INSTALLED = [
    pytest.param(requirement, id=f"{page.name}-{requirement}")
    for page in pages()
    for block in blocks(page)
    if not (page.parent == TUTORIALS and block.language)
    for requirement in re.findall(r"pixelgen-[a-z]+(?:\[[^]]+\])?(?=[\s'\"]|$)", block.text)
    if "pip install" in block.text
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A folder with what the documentation's commands read."""
    for name in ("paintings", "sprites"):
        (tmp_path / name).symlink_to(folder)
    (tmp_path / "monet.gpl").write_text("GIMP Palette\n#\n200 90 30 clay\n0 0 0 black\n")
    monkeypatch.chdir(tmp_path)


def test_commands_are_found() -> None:
    assert len(SHOWN) > 30


@pytest.mark.parametrize("words", SHOWN)
def test_a_shown_command_is_understood(words: list[str]) -> None:
    command, context, rest = find(words)
    if not hasattr(command, "get_command"):
        command.make_context(context.info_name, rest, parent=context.parent)


@pytest.mark.parametrize("words", MENTIONED, ids=" ".join)
def test_a_mentioned_command_and_its_options_are_there(words: list[str]) -> None:
    command, _, rest = find(words)
    known = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= known | {"--help"}


def find(words: list[str]) -> tuple[Any, Any, list[str]]:
    """The command that the first words name, its context, and the words after them."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="pixelgen")
    rest = list(words)
    while rest and hasattr(command, "get_command") and not rest[0].startswith("-"):
        name = rest.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"no command is called {name!r}"
        context = command.context_class(command, info_name=name, parent=context)
    return command, context, rest


@pytest.mark.parametrize("words", SHOWN)
def test_a_shown_command_names_plugins_that_there_are(words: list[str]) -> None:
    for option, value in itertools.pairwise(words):
        for name in value.split(",") if option in PICKED else ():
            kind = PICKED[option]
            assert (kind, name) in catalogue().registrations or (kind, name) in KNOWN_ELSEWHERE


@pytest.mark.parametrize("words", [shown for shown in SHOWN if shown.values[0][:1] == ["run"]])
def test_a_shown_run_would_run(
    words: list[str], here: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    if "keras-lstm" in words and not is_installed("keras"):
        pytest.skip("keras is not installed")
    if "epsilon" in words:
        pytest.skip("the example's test runs it, where the example is installed")
    monkeypatch.setattr(sys, "argv", ["pixelgen", *words, "--dry-run"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code, capsys.readouterr().err


@pytest.mark.parametrize("requirement", INSTALLED)
def test_what_is_to_be_installed_is_ours(requirement: str) -> None:
    wanted = Requirement(requirement)
    if wanted.name == "pixelgen-epsilon":  # the example's
        return
    project = tomllib.loads((SOURCES[wanted.name] / "pyproject.toml").read_text())["project"]
    assert wanted.extras <= project.get("optional-dependencies", {}).keys()

"""Each check of an entry point's module catches the plugin that it is there for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from mutation import names_of

from pixelgen import importing
from pixelgen.testing import checks_of
from pixelgen.testing.contract import CheckFailed
from pixelgen.testing.subject import Subject

HOOK = "import pixelgen\n\n@pixelgen.hookimpl\ndef "
COIN = """
    register("coin", "pixelgen.samplers.greedy:Greedy", summary="heads or tails")
"""
SOUND = f"{HOOK}register_samplers(register):{COIN}"
COMMAND = (
    f'{SOUND}\n@pixelgen.hookimpl\ndef register_commands(app):\n    @app.command("{{name}}")\n'
)
EVENT = f"{SOUND}\n@pixelgen.hookimpl\ndef "

# The module's text, and the checks that it fails.
TABLE: dict[str, tuple[str, str]] = {
    "NumPy imported": (f"import numpy\n{SOUND}", "import_is_light"),
    "something printed at import": (f"print('hello')\n{SOUND}", "import_is_light"),
    "a misspelt hook": (
        f"{SOUND}\n@pixelgen.hookimpl\ndef register_modles(register): ...",
        "hooks_are_known hooks_register_and_return_nothing",
    ),
    "an argument that the hook has not": (
        f"{HOOK}register_samplers(regist): ...",
        "hooks_are_known hooks_register_and_return_nothing",
    ),
    "hooks of another version": (
        f'PIXELGEN_API = {{"hooks": "9.0"}}\n{SOUND}',
        "hooks_are_known hooks_register_and_return_nothing",
    ),
    "an interface of another version": (
        f'PIXELGEN_API = {{"sampler": "9.0"}}\n{SOUND}',
        "hooks_are_known",
    ),
    "a hook that raises": (f"{SOUND}    raise OSError\n", "hooks_register_and_return_nothing"),
    "a hook that returns something": (
        f"{SOUND}    return 1\n",
        "hooks_register_and_return_nothing",
    ),
    "a hook that prints": (
        f"{SOUND}    print('registered')\n",
        "hooks_register_and_return_nothing",
    ),
    "no class at the place": (
        SOUND.replace(":Greedy", ":Greed"),
        "hooks_register_and_return_nothing",
    ),
    "no summary": (SOUND.replace("heads or tails", ""), "hooks_register_and_return_nothing"),
    "a name with capitals": (
        SOUND.replace('"coin"', '"Coin"'),
        "hooks_register_and_return_nothing",
    ),
    "nothing at all": ("HOOKS = ()", "hooks_are_known hooks_register_and_return_nothing"),
    "pixelgen's own name": (SOUND.replace('"coin"', '"greedy"'), "names_are_free"),
    "pixelgen's own command": (
        COMMAND.format(name="sample") + '    def odd():\n        "Says nothing."\n',
        "commands_have_help",
    ),
    "a command without help": (
        COMMAND.format(name="odd") + "    def odd(): ...\n",
        "commands_have_help",
    ),
    "a command's hook that prints": (
        COMMAND.format(name="odd")
        + '    def odd():\n        "Says nothing."\n    print("hello")\n',
        "commands_have_help",
    ),
    "an event that prints": (
        f"{EVENT}epoch_finished(metrics):\n    print(metrics)\n",
        "events_are_heard_quietly",
    ),
    "an event that raises": (
        f"{EVENT}epoch_finished(metrics):\n    1 / 0\n",
        "events_are_heard_quietly",
    ),
    "an event that changes the metrics": (
        f"{EVENT}epoch_finished(metrics):\n    metrics.clear()\n",
        "events_are_heard_quietly",
    ),
    "an event that writes over a file": (
        f'{EVENT}epoch_finished(directory):\n    (directory / "run.json").write_text("")\n',
        "events_are_heard_quietly",
    ),
}


def failures(text: str, folder: Path) -> set[str]:
    """Return the checks that a module of this text fails, without their prefix."""
    (folder / "odd_entry_point.py").write_text(text)
    importlib.invalidate_caches()
    module = importlib.import_module("odd_entry_point")
    failed = set()
    for check in checks_of("plugin"):
        try:
            check.run(Subject("plugin", "odd", given=module))
        except CheckFailed:
            failed.add(check.name.removeprefix("check_"))
    return failed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_entry_point", raising=False)
    return tmp_path


def test_the_sound_one_passes(folder: Path) -> None:
    assert failures(SOUND, folder) == set()


@pytest.mark.parametrize("words", TABLE)
def test_a_mistake_is_caught(words: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    text, caught = TABLE[words]
    assert failures(text, folder) == set(caught.split())


def test_an_import_that_every_command_gives_up_is_caught_however_long_the_check_would_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(importing.LIMIT_VARIABLE, "300")
    monkeypatch.setattr(importing, "IMPORT_LIMIT", 1e-9)
    assert failures(SOUND, folder) == {"import_is_light"}


def test_every_check_is_proven() -> None:
    caught = {name for _, names in TABLE.values() for name in names.split()}
    assert names_of("plugin") == caught

"""What docs/isolation.md promises of each broken plugin, of ones that are really installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "isolation.md").read_text(encoding="utf-8")
HOOK = "import pixelgen\n\n@pixelgen.hookimpl\ndef "
REGISTER = HOOK + "register_samplers(register):\n    "


@dataclass(frozen=True)
class Case:
    """A broken plugin, and what `pixelgen plugins list` says of it.

    Attributes:
        text: of its module.
        said: of the plugin, as a problem; empty where it is said of what it registers.
        unusable: of the sampler that it registers, why it cannot be used; empty where none is.
        usable: whether its sampler `coin` can be used all the same.
    """

    text: str
    said: str = ""
    unusable: str = ""
    usable: bool = False


SOUND = REGISTER + "register('coin', 'odd_plugin:Coin', summary='a coin')\n"

# By the words of the page.
CASES: dict[str, Case] = {
    "raises at import, or calls `sys.exit`": Case(
        "raise ImportError('no CUDA')", "its import fails: ImportError: no CUDA"
    ),
    "hangs at import": Case(
        "import threading\nthreading.Event().wait()",
        r"has not ended after 1 s, at .*odd_plugin.py:2",
    ),
    "prints at import, or while it registers": Case(
        "print('hello')\n" + SOUND, "prints 'hello', which is not shown", usable=True
    ),
    "raises in a hook": Case(REGISTER + "1 / 0", "its hook register_samplers fails: ZeroDivision"),
    "returns something from a hook": Case(
        SOUND + "    return 1", "returns int, and hooks return nothing", usable=True
    ),
    "implements a misspelt hook, or one with arguments that it does not have": Case(
        HOOK + "register_smaplers(register): ...",
        "'register_smaplers', which is no hook of pixelgen; did you mean register_samplers",
    ),
    "implements no hook at all": Case("HOOKS = None", "implements no hook of pixelgen"),
    "is written for another version of the hooks": Case(
        "PIXELGEN_API = {'hooks': '9.0'}\n" + SOUND, "for version 9.0 of the hooks.*update pixelgen"
    ),
    "is written for another version of one interface": Case(
        "PIXELGEN_API = {'sampler': '9.0'}\n" + SOUND,
        unusable="version 9.0 of the sampler interface",
    ),
    "needs a module that is not installed": Case(
        REGISTER + "register('coin', 'odd_plugin:Coin', needs=['not_there'])",
        unusable="needs not_there, which is not installed",
    ),
    "claims a taken name": Case(
        REGISTER + "register('greedy', 'odd_plugin:Coin')",
        "'greedy' of plugin.*|claims.*'greedy'",
    ),
    "claims a command's name": Case(
        HOOK + "register_commands(app):\n    app.command('sample')(lambda: 0)",
        "its command 'sample' is one of pixelgen's own",
    ),
    "adds a command that cannot be made": Case(
        HOOK + "register_commands(app):\n"
        "    def odd(value: 'Nowhere'): ...\n    app.command('odd')(odd)",
        "a command of its cannot be made",
    ),
    "registers something that is no class of its kind": Case(SOUND + "\nCoin = 3", usable=True),
}


@pytest.fixture
def pixelgen(tmp_path: Path):
    """Run the command in a process in which a distribution `odd` is installed."""

    def call(*words: str, module: str) -> subprocess.CompletedProcess[str]:
        info = tmp_path / "odd-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[pixelgen]\nodd = odd_plugin\n")
        (tmp_path / "odd_plugin.py").write_text(module)
        environment = {
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "PIXELGEN_PLUGINS": "odd",
            "PIXELGEN_IMPORT_LIMIT": "1",
        }
        return subprocess.run(
            [sys.executable, "-m", "pixelgen", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_each_case_of_the_page_is_here() -> None:
    rows = [line.split(" | ")[0].strip("| ") for line in PAGE.splitlines() if line[:2] == "| "]
    assert sorted(rows[1:]) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_it_is_reported_and_harms_nothing(name: str, pixelgen) -> None:
    case = CASES[name]
    listed = pixelgen("plugins", "list", "--json", module=case.text)
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    if case.said:
        (problem, *_) = found["problems"]
        assert (problem["plugin"], problem["distribution"]) == ("odd", "odd")
        assert re.search(case.said, problem["reason"])
        shown = pixelgen("plugins", "list", module=case.text).stdout
        assert "plugin 'odd' of odd 1.0" in " ".join(shown.split())
    coins = [each for each in found["plugins"] if each["name"] == "coin"]
    assert bool(coins) == (case.usable or bool(case.unusable))
    for coin in coins:
        assert coin["usable"] == case.usable
        assert case.unusable in coin["reason"]
    other = pixelgen("plugins", "show", "markov", module=case.text)
    assert other.returncode == 0, other.stderr
    assert "hello" not in other.stdout


def test_what_is_no_class_of_its_kind_is_an_error_for_whoever_uses_it(pixelgen) -> None:
    case = CASES["registers something that is no class of its kind"]
    used = pixelgen("plugins", "show", "coin", module=case.text)
    assert used.returncode == 2
    assert "Traceback" not in used.stderr
    assert "'odd'" in used.stderr


def test_a_taken_name_is_an_error_that_names_both(pixelgen) -> None:
    used = pixelgen("plugins", "show", "greedy", module=CASES["claims a taken name"].text)
    assert used.returncode == 2
    assert "pixelgen-core" in used.stderr
    assert "'odd'" in used.stderr


def test_the_list_imports_no_class(pixelgen) -> None:
    text = REGISTER + "register('coin', 'not_there_at_all:Coin', summary='a coin')"
    listed = pixelgen("plugins", "list", "--json", module=text)
    (coin,) = [each for each in json.loads(listed.stdout)["plugins"] if each["name"] == "coin"]
    assert coin["usable"]


def test_help_does_not_wait_for_ever(pixelgen) -> None:
    helped = pixelgen("--help", module=CASES["hangs at import"].text)
    assert helped.returncode == 0
    assert "sample" in helped.stdout

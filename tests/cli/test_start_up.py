"""Starting: help, version and lists import nothing heavy, and completion knows the plugins."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pixelgen as package
from pixelgen.cli import complete

HEAVY = ["numpy", "PIL", "safetensors", "torch", "keras", "tensorflow", "cupy", "ray", "jax"]
PROBE = """
import sys
from pixelgen.cli import main
sys.argv = ["pixelgen", *{words!r}]
try:
    main()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [["--help"], ["run", "--help"], ["--version"], ["plugins", "list"], ["recipes"]],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(words):
    probe = PROBE.format(words=words, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


def test_importing_pixelgen_imports_nothing_heavy():
    probe = f"import pixelgen, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_help_names_every_command(pixelgen):
    called = pixelgen("--help")
    assert called.code == 0
    for command in ("run", "sample", "resume", "report", "show", "recipes", "plugins"):
        assert f" {command} " in called.out


def test_no_command_shows_the_help(pixelgen):
    assert "Usage" in pixelgen().out + pixelgen().err


def test_the_version_is_the_packages(pixelgen):
    assert pixelgen("--version").out == f"pixelgen {package.__version__}\n"


def test_the_module_is_the_command(shell):
    process = shell("--version")
    assert process.communicate(timeout=60)[0] == f"pixelgen {package.__version__}\n"
    assert process.returncode == 0


def test_names_are_completed():
    assert complete.models("mark") == ["markov"]
    assert complete.tokenizers("rgb") == ["rgb-grid"]
    assert complete.samplers("top") == ["top-k", "top-p"]
    assert complete.sources("fol") == ["folder"]

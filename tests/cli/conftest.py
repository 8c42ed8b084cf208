"""Fixtures: the command line, called in this process as the entry point calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixelgen.cli import main


@dataclass(frozen=True)
class Called:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> Path:
        """The path on the last line of the output stream."""
        return Path(self.out.splitlines()[-1])

    def assert_explained(self, what: str, where: str = "", remedy: str = "") -> None:
        """The command failed with exit code 2 and the three parts, and no traceback."""
        assert self.code == 2, self.err
        assert self.out == ""
        assert "Traceback" not in self.err
        parts = [line.partition(": ") for line in self.err.splitlines()]
        said = {label: text for label, _, text in parts}
        assert what in said["Error"]
        assert where in said["Where"]
        assert remedy in said["What to do"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, a wide terminal, and no settings from outside."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.delenv("PIXELGEN_MINUTES", raising=False)
    return path


@pytest.fixture
def pixelgen(monkeypatch: pytest.MonkeyPatch, capsys) -> Callable[..., Called]:
    """Call a command as a shell would."""

    def call(*words: object) -> Called:
        monkeypatch.setattr(sys, "argv", ["pixelgen", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        code = caught.value.code
        return Called(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


@pytest.fixture
def learn(pixelgen, folder) -> Callable[..., Called]:
    """`pixelgen run` on the folder of pictures, with plugins that are quick."""

    def call(*words: object) -> Called:
        basis = ["run", folder, "-q", "rgb-grid", "-m", "markov", "--colors", 27, "--size", 12]
        quick = ["-o", "painting.while_training=0", "--augment", "flips"]
        return pixelgen(*basis, *quick, *words)

    return call


@pytest.fixture
def shell() -> Callable[..., subprocess.Popen[str]]:
    """Start `python -m pixelgen` as a process of its own."""

    def start(*words: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pixelgen", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PIXELGEN_PLUGINS": "none", **environment},
        )

    return start

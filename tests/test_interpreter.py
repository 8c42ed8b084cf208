"""A Python that is started has no more on its path than the one that starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pixelgen.interpreter import interpreter


@pytest.fixture(autouse=True)
def _odd_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder has a module that is called as one of the standard library."""
    (tmp_path / "queue.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)


def code_of(*words: str) -> int:
    return subprocess.run([*interpreter(), *words], capture_output=True, check=False).returncode


@pytest.mark.parametrize("words", [("-c", "import queue"), ("-m", "queue")])
def test_a_module_of_the_current_folder_is_not_run(words: tuple[str, str]) -> None:
    assert code_of(*words) == 0


@pytest.mark.parametrize("first", ["", "."])
def test_it_is_where_the_starting_one_has_the_folder_on_its_path_too(
    monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(sys, "path", [first and str(Path.cwd()), *sys.path])
    assert code_of("-c", "import queue") == 7

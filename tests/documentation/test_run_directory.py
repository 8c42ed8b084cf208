"""The page about the run directory names every file in one, and every key of its JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pages import ROOT

from pixelgen import api
from pixelgen.run import Run

PAGE = (ROOT / "docs" / "run-directory.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", PAGE))


@pytest.fixture
def run(quick, tmp_path: Path) -> Run:
    resolved = quick(painting={"pictures": 2, "while_training": 2})
    return api.start(resolved, tmp_path / "run").run


def without_numbers(path: str) -> str:
    return re.sub(r"\d+", "0", path)


def test_every_file_is_named(run: Run) -> None:
    files = [path.relative_to(run.path) for path in run.path.rglob("*") if path.is_file()]
    named = {without_numbers(name) for name in NAMED}
    unnamed = [
        str(file)
        for file in files
        if without_numbers(str(file)) not in named
        and not (f"{without_numbers(str(file.parent))}/" in named and file.name in named)
        and not (file.parts[0] == "checkpoints" and f"model/{file.name}" in named)
    ]
    assert len(files) > 8
    assert unnamed == []


def test_every_key_of_the_manifest_is_named(run: Run) -> None:
    assert run.manifest.keys() <= NAMED
    for table in ("data", "spent", "best"):
        assert run.manifest[table].keys() <= NAMED


def test_every_key_of_the_metrics_is_named(run: Run) -> None:
    line = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[0])
    assert line.keys() <= NAMED

"""Benchmarks run, in little, and come to their end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("scale.py", "--pictures", "300", "--workers", "2"), "local, processes, 2"),
        (
            (
                *("scale_encoding.py", "--pictures", "300", "--workers", "2"),
                *("--steps", "2", "--colors", "32"),
            ),
            "encoded again",
        ),
    ],
    ids=["executors", "encoding"],
)
def test_it_comes_to_its_end(words, said):
    """They compare what each executor gives, byte for byte, and fail where it differs."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / words[0], *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=BENCHMARKS,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.slow
def test_an_ablation_that_was_stopped_goes_on(tmp_path):
    """What its file has is not measured again, and what the file has not is."""
    pytest.importorskip("pixelgen_torch")
    words = [BENCHMARKS / "ablation.py", "--pictures", "8", "--minutes", "0.01", "--splits", "1"]

    def measured(*parts: str) -> list[str]:
        kept = ["--json", tmp_path / "kept.json", "--only", *parts]
        done = subprocess.run(
            [sys.executable, *words, *kept], capture_output=True, text=True, check=True
        )
        return [line for line in done.stdout.splitlines() if line.startswith("split ")]

    (first,) = measured("as it is")
    assert "as it is" in first
    (second,) = measured("as it is", "no crops")
    assert "no crops" in second
    assert measured("as it is", "no crops") == []

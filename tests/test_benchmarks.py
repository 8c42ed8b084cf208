"""Benchmarks run, in little, and come to their end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def printed(name: str, *words: object) -> str:
    """What a benchmark prints, which comes to its end."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / name, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=BENCHMARKS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    assert said in printed(*words)


@pytest.mark.slow
def test_an_ablation_that_was_stopped_goes_on(tmp_path):
    """What its file has is not measured again, and what the file has not is."""
    pytest.importorskip("pixelgen_torch")
    words = ["--pictures", 8, "--minutes", 0.01, "--splits", 1, "--json", tmp_path / "kept.json"]

    def measured(*parts: str) -> list[str]:
        lines = printed("ablation.py", *words, "--only", *parts).splitlines()
        return [line for line in lines if line.startswith("split ")]

    (first,) = measured("as it is")
    assert "as it is" in first
    (second,) = measured("as it is", "no crops")
    assert "no crops" in second
    assert measured("as it is", "no crops") == []

"""Runs that are killed at random instants, and gone on with until they end.

Each run is a process of its own, forked from a server that has loaded everything, so that a kill
costs milliseconds and not seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from small_runs import carry_out, difference, make_pictures, results, small_recipe

LOADED = [
    *("pixelgen.api", "pixelgen.models.markov", "pixelgen.models.numpy_lstm"),
    *("pixelgen.tokenizers.rgb_grid", "pixelgen_torch.lstm", "torch._dynamo", "sympy"),
]
LONGEST = 900.0  # seconds: on a busy machine, at the lowest priority, half a second can be minutes


@dataclass(frozen=True)
class Trial:
    """A run that was killed some times and then went on to its end.

    Attributes:
        kills: how many processes were killed; one that had ended before its instant is none.
        wrong: in what the end differs from that of a run which was not killed; empty if in nothing.
    """

    kills: int
    wrong: str


def trials(model: str, folder: Path, seed: int, most_kills: int = 4) -> Iterator[Trial]:
    """Yield trials of a model without end; each run is killed up to `most_kills` times."""
    pictures = folder / "pictures"
    if not pictures.exists():
        make_pictures(pictures)
    recipe = small_recipe(pictures, model)
    whole, killed = folder / f"{model}-whole", folder / f"{model}-killed"
    _run(recipe, whole)
    shutil.rmtree(whole)
    began = time.perf_counter()  # now that everything is warm
    _run(recipe, whole)
    duration = time.perf_counter() - began
    expected = results(whole)
    instants = random.Random(seed)
    while True:
        kills = 0
        for _ in range(instants.randint(1, most_kills)):
            kills += _run(recipe, killed, instants.uniform(0, duration))
        error = ""
        try:
            _run(recipe, killed)
        except RuntimeError as problem:
            error = str(problem)
        yield Trial(kills, error or difference(killed, expected) or _left_over(killed))
        shutil.rmtree(killed, ignore_errors=True)


def _run(recipe: dict[str, Any], out: Path, kill_after: float | None = None) -> bool:
    """Carry a recipe out in another process; return whether it had to be killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # or the small products would wait for threads
    process = context.Process(target=carry_out, args=(recipe, out), daemon=True)
    process.start()
    process.join(LONGEST if kill_after is None else kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
        if kill_after is None:
            raise RuntimeError(f"it had not ended after {LONGEST:g} s")
        return True
    if process.exitcode:
        raise RuntimeError(f"it left with exit code {process.exitcode}")
    return False


def _left_over(run: Path) -> str:
    """Return what a process that died has left and nobody has removed."""
    beside = [path for path in run.parent.glob(".*") if run.name in path.name]
    half = [path for path in run.rglob(".*") if path.suffix in (".tmp", ".old")]
    # A run that died before it was there leaves its half-made folder beside.
    for path in beside:
        shutil.rmtree(path)
    return ", ".join(f"left {path.relative_to(run)}" for path in half)

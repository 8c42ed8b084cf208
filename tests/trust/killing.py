"""Runs that are killed at random instants, and gone on with until they end.

Each run is a process of its own, forked from a server that has loaded everything, so that a kill
costs milliseconds and not seconds. The server is this file, run as a program.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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


class Server:
    """Carries recipes out, one at a time, each in a process that can be killed."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._line(LONGEST) == "ready"
        return self

    def __exit__(self, *exception: object) -> None:
        with self._process as process:
            process.kill()

    def run(self, recipe: dict[str, Any], out: Path, kill_after: float | None = None) -> bool:
        """Carry a recipe out in another process; return whether it had to be killed.

        Raises:
            RuntimeError: it failed by itself, or did not end.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([recipe, str(out)]).encode() + b"\n")
        child = int(self._line(LONGEST) or 0)
        code = self._line(LONGEST if kill_after is None else kill_after)
        if code is None:
            os.kill(child, signal.SIGKILL)
            code = self._line(LONGEST)
        if code not in ("0", str(-signal.SIGKILL)) or (kill_after is None and code != "0"):
            raise RuntimeError(f"it left with exit code {code}")
        return code != "0"

    def _line(self, seconds: float) -> str | None:
        """The server's next line, or None if it has said nothing for so long."""
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], seconds)[0]:
            return None
        return output.readline().decode().strip()


def trials(model: str, folder: Path, seed: int, most_kills: int = 4) -> Iterator[Trial]:
    """Yield trials of a model without end; each run is killed up to `most_kills` times."""
    pictures = folder / "pictures"
    if not pictures.exists():
        make_pictures(pictures)
    recipe = small_recipe(pictures, model)
    whole, killed = folder / f"{model}-whole", folder / f"{model}-killed"
    with Server() as server:
        server.run(recipe, whole)
        shutil.rmtree(whole)
        began = time.perf_counter()  # now that everything is warm
        server.run(recipe, whole)
        duration = time.perf_counter() - began
        expected = results(whole)
        instants = random.Random(seed)
        while True:
            kills, error = 0, ""
            try:
                for _ in range(instants.randint(1, most_kills)):
                    kills += server.run(recipe, killed, instants.uniform(0, duration))
                server.run(recipe, killed)
            except RuntimeError as problem:
                error = str(problem)
            yield Trial(kills, error or difference(killed, expected) or _left_over(killed))
            shutil.rmtree(killed, ignore_errors=True)


def _left_over(run: Path) -> str:
    """Return what a process that died has left in the run and nobody has removed."""
    for path in run.parent.glob(f".{run.name}.*"):  # of runs that died before they were there
        shutil.rmtree(path)
    half = [path for path in run.rglob(".*") if path.suffix in (".tmp", ".old")]
    return ", ".join(f"left {path.relative_to(run)}" for path in half)


def serve() -> None:
    """Fork a process for each recipe that comes in; tell its number, and how it ended."""
    for name in LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _say("ready")
    for line in sys.stdin:
        recipe, out = json.loads(line)
        child = os.fork()
        if not child:
            code = 1
            try:
                carry_out(recipe, Path(out))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()

"""Does a run survive whatever happens to it, and does anything hostile get in?

    python benchmarks/reliability.py [--kills 500] [--inputs 100000] [--json reliability.json]

One table: runs of markov, numpy-lstm and torch-lstm that are killed (SIGKILL) at random instants
and gone on with, compared bit for bit with one that was not; a real disk that is full at every
page of a run, one after another, then given room; a list of hostile files; and inputs for each
reader, by hypothesis and, where atheris is installed, guided by coverage.
Goals: every kill and every fault recovered from, every hostile file refused, no escape.

Linux; the faults need the right to mount a file system. What is measured is in `tests/trust` and
`tests/fuzz`, whose tests do the same in less: 20 kills, some faults, 2,000 inputs a reader.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS / "trust"), str(TESTS / "fuzz")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import full_disk  # noqa: E402
import hostile_files  # noqa: E402
import killing  # noqa: E402
import targets  # noqa: E402
from small_runs import MODELS  # noqa: E402

PARTS = ("kills", "faults", "hostile", "fuzz")


@dataclass
class Line:
    """A line of the table: of so many, so many were good; what the others did."""

    what: str
    good: int
    of: int
    seconds: float
    wrong: list[str]

    def __str__(self) -> str:
        shown = f"{self.good:,} of {self.of:,}"
        return f"{self.what:58} {shown:>20} {self.seconds:8.0f} s"


def kills(most: int, models: str, seed: int, folder: Path) -> Iterator[Line]:
    """Kill processes of each model in turn, until so many in all have been."""
    chosen = models.split(",")
    share = -(-most // len(chosen))
    for number, model in enumerate(chosen):
        began, good, killed, wrong = time.perf_counter(), 0, 0, []
        for trial in killing.trials(model, folder, seed + number):
            killed += trial.kills
            if trial.wrong:
                wrong.append(trial.wrong)
            else:
                good += trial.kills
            if killed >= share:
                break
        taken = time.perf_counter() - began
        yield Line(f"kills survived, resumed bit for bit: {model}", good, killed, taken, wrong)


def faults(folder: Path) -> Iterator[Line]:
    """Run on ever larger disks, until the run fits."""
    if not full_disk.may_mount(folder):
        yield Line("disk full: no right to mount one here", 0, 0, 0, [])
        return
    began = time.perf_counter()
    found = [fault for fault in full_disk.faults(folder) if fault.failed]
    wrong = [f"{fault.pages} pages: {fault.wrong}" for fault in found if fault.wrong]
    what = "disk full at every 4 KiB of a run, then room: recovered"
    yield Line(what, len(found) - len(wrong), len(found), time.perf_counter() - began, wrong)


def hostile(folder: Path) -> Iterator[Line]:
    """Open every hostile file."""
    began, wrong = time.perf_counter(), []
    finished = hostile_files.prepare(folder)
    for number, name in enumerate(hostile_files.ATTACKS):
        happened = hostile_files.outcome(name, folder / str(number), finished)
        if happened:
            wrong.append(f"{name}: {happened}")
    count = len(hostile_files.ATTACKS)
    yield Line(
        "hostile files refused", count - len(wrong), count, time.perf_counter() - began, wrong
    )


def fuzz(inputs: int, readers: str, seed: int, folder: Path) -> Iterator[Line]:
    """Feed readers, by hypothesis and guided by coverage."""
    found = targets.make_targets(folder / "hypothesis")
    chosen = readers.split(",") if readers else list(found)
    guided = importlib.util.find_spec("atheris") is not None
    if not guided:
        print("atheris is not installed: by hypothesis alone", file=sys.stderr)
    for number, (name, target) in enumerate(found.items()):
        if name not in chosen:
            continue
        began = time.perf_counter()
        done, wrong = _by_hypothesis(target, inputs, seed + number)
        taken = time.perf_counter() - began
        yield Line(f"inputs without an escape, hypothesis: {name}", done, inputs, taken, wrong)
        if guided:
            began = time.perf_counter()
            done, wrong = _by_atheris(name, inputs, seed + number, folder / f"guided-{number}")
            taken = time.perf_counter() - began
            yield Line(f"inputs without an escape, atheris: {name}", done, inputs, taken, wrong)


def _by_hypothesis(target: targets.Target, inputs: int, seed: int) -> tuple[int, list[str]]:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from mutating import inputs as strategy

    part = 5_000  # hypothesis remembers what it has tried
    done, wrong = 0, []
    for number in itertools.count(seed * 10_000):
        if done >= inputs:
            return done, wrong

        @seeded(number)
        @settings(
            max_examples=min(part, inputs - done),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(data=strategy(target.seeds))
        def feed(data: bytes) -> None:
            nonlocal done
            target.feed(data)
            done += 1

        try:
            feed()
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")
            return done, wrong
    raise AssertionError


def _by_atheris(name: str, inputs: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    folder.mkdir()
    program = [sys.executable, str(TESTS / "fuzz" / "guided.py"), name, str(inputs), str(folder)]
    done = subprocess.run([*program, str(seed)], capture_output=True, text=True, check=False)
    told = [line.split()[-1] for line in done.stderr.splitlines() if "executed_units" in line]
    count = int(told[0]) if told else 0
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "Error" in line]
        return count, lines[:3] or [f"it left with exit code {done.returncode}"]
    return min(count, inputs), []


def main() -> None:
    """Print the table; with --json, write the numbers too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500, help="in all, over the models")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--inputs", type=int, default=100_000, help="for each reader")
    parser.add_argument("--readers", default="", help="which to feed; all if left out")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 20))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"--seed {arguments.seed}"
    )
    lines = []
    with tempfile.TemporaryDirectory(dir=targets.memory()) as name:
        folder = Path(name)
        parts = {
            "kills": lambda: kills(
                arguments.kills, arguments.models, arguments.seed, folder / "kills"
            ),
            "faults": lambda: faults(folder / "faults"),
            "hostile": lambda: hostile(folder / "hostile"),
            "fuzz": lambda: fuzz(
                arguments.inputs, arguments.readers, arguments.seed, folder / "fuzz"
            ),
        }
        for part in arguments.parts.split(","):
            (folder / part).mkdir()
            for line in parts[part]():
                print(line, flush=True)
                for wrong in line.wrong[:5]:
                    print(f"    {wrong}", flush=True)
                lines.append(line)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(line) for line in lines], indent=2) + "\n")
    if any(line.wrong for line in lines):
        sys.exit(1)


if __name__ == "__main__":
    main()

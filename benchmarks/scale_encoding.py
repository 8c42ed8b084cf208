"""Does encoding take the same memory for ten times the pictures, and what do more workers bring?

    python benchmarks/scale_encoding.py [--pictures 10000 100000] [--workers 1 2] [--colors 1000]
        [--json FILE]

Different pictures of 100×100, made by program in some microseconds each, are encoded to so many
colours at 75×75 with `encode_pictures`, in a process of its own for each line: by a plain loop (the
executor `local`, serial), by processes, and by Ray where it is installed. *MiB* is the largest
resident memory of the encoding process and, after the +, of the largest of its workers. Then a run
learns from each folder of tokens for some steps.
Goals: memory flat within 10 % from 10,000 pictures to 100,000; overhead of one worker ≤ 10 %,
efficiency of two ≥ 85 %; an interrupted encoding loses one shard at most.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import scale_encoding as importable  # workers look for the source here, not in __main__
from machine import machine

from pixelgen.executors.interface import Executor
from pixelgen.executors.local import Local
from pixelgen.options import Options
from pixelgen.plugins import catalogue
from pixelgen.recipe import Recipe
from pixelgen.registration import is_installed
from pixelgen.resolving import Resolved, resolve
from pixelgen.sources.interface import Picture, Source
from pixelgen.sources.landscapes import paint_landscape
from pixelgen.token_store.encoding import SHARD_SIZE, encode_pictures
from pixelgen.token_store.manifest import TokenManifest

SIDE, DIFFERENT = 100, 64


@cache
def landscapes() -> np.ndarray:
    """Return (N, 100, 100, 3) uint8."""
    return np.stack([paint_landscape(1, number, SIDE, SIDE) for number in range(DIFFERENT)])


def picture(number: int) -> Picture:
    """Return a landscape moved round its edges and brightened; no two numbers have the same."""
    basis = landscapes()[number % DIFFERENT]
    turn, light = divmod(number // DIFFERENT, 24)
    moved = np.roll(basis, (turn % SIDE, turn // SIDE), (1, 0))
    return Picture(f"{number:08d}", np.minimum(moved, 230) + np.uint8(light))


class Generated(Source):
    """As many pictures as are asked for."""

    class Options(Options):
        """There are none."""

    count = 0

    def pictures(self, size: tuple[int, int]) -> Iterator[Picture]:
        """Yield them."""
        return (unread() for unread in self.unread(size))

    def unread(self, size: tuple[int, int]) -> Iterator[Any]:
        """Yield what makes each."""
        return (partial(importable.picture, number) for number in range(self.count))

    def length(self) -> int:
        """Return how many there are."""
        return self.count


def resolved(pictures: int, colors: int) -> Resolved:
    """Return the recipe, with the generated pictures as its source."""
    tables = {
        "data": {"size": 75},
        "tokenizer": {"name": "numpy-kmeans", "colors": colors},
        "source": {"name": "sample"},
    }
    made = resolve(Recipe.parse(tables), kinds=("source", "tokenizer", "executor"))
    Generated.count = pictures
    made.classes["source"] = Generated
    return made


def executor(name: str, workers: int) -> Executor:
    """Return an executor by the name that the table has for it."""
    if name == "ray":
        ray = catalogue().load("executor", "ray")
        made: Executor = ray(ray.Options(workers=workers))
        return made
    return Local(Local.Options(kind=name, workers=workers))


def encode(pictures: int, colors: int, name: str, workers: int, folder: Path) -> dict[str, float]:
    """Encode in this process; return the seconds of the encoding itself and the memory in MiB."""
    stages: dict[str, float] = {}

    def told(stage: str, done: int, total: int | None) -> None:
        stages.setdefault(stage, time.perf_counter())

    landscapes()
    watch = Watch()
    watch.start()
    began = time.perf_counter()
    made = resolved(pictures, colors)
    encode_pictures(made, folder, executor=executor(name, workers), progress=told)
    ended = time.perf_counter()
    watch.ended.set()
    seconds = ended - stages.get("Encoding", ended)
    return {"seconds": seconds, "all": ended - began, "worker MiB": watch.most, **memory()}


def learn(folder: Path, steps: int) -> dict[str, float]:
    """Learn from tokens in this process for some steps; return the memory in MiB."""
    from pixelgen import api

    tables = {
        "source": {"location": str(folder)},
        "training": {"steps": steps},
        "painting": {"pictures": 0, "while_training": 0},
    }
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        api.start(resolve(Recipe.parse(tables)), Path(place) / "run")
    return {"seconds": time.perf_counter() - began, **memory()}


def memory() -> dict[str, float]:
    """Return the largest resident memory of this process, in MiB."""
    return {"MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


class Watch(threading.Thread):
    """Looks at the resident memory of workers while they work: of our children, and of Ray's."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0  # MiB
        self.ended = threading.Event()

    def run(self) -> None:
        """Look, now and then."""
        while not self.ended.wait(0.3):
            for status in Path("/proc").glob("[0-9]*/status"):
                try:
                    lines = dict(
                        each.split(":\t", 1) for each in status.read_text().splitlines() if each
                    )
                    ours = int(lines["PPid"]) == os.getpid()
                    if ours or b"ray::" in status.with_name("cmdline").read_bytes():
                        resident = int(lines.get("VmRSS", "0 kB").split()[0]) / 1024
                        self.most = max(self.most, resident)
                except (OSError, ValueError, KeyError):  # it has ended meanwhile
                    continue


def line_command(*words: object) -> list[str]:
    """Return the command that does one line's work."""
    return [sys.executable, __file__, "--line", *map(str, words)]


def apart(*words: object) -> dict[str, float]:
    """Do one line's work in a process of its own."""
    done = subprocess.run(line_command(*words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def lost_shards(pictures: int, colors: int, folder: Path) -> int:
    """Kill an encoding under way, go on, and return how many shards were encoded twice."""
    words = ["encode", pictures, colors, "processes", 2, folder]
    process = subprocess.Popen(line_command(*words), stdout=subprocess.DEVNULL)
    while True:
        there = TokenManifest.read(folder) if folder.exists() else None
        if there is not None and len(there.shards) >= 1:
            break
        time.sleep(0.05)
    time.sleep(0.5)
    process.kill()
    process.wait()
    files = sorted(path.name for path in folder.glob("shard-*.npy"))
    kept = {name: (folder / name).stat().st_mtime_ns for name in files}
    apart(*words)
    return sum((folder / name).stat().st_mtime_ns != when for name, when in kept.items())


def line(words: list[str]) -> None:
    """Do the work of a line, and print what came of it."""
    if words[0] == "learn":
        found = learn(Path(words[1]), int(words[2]))
    else:
        pictures, colors, name, workers, folder = words[1:]
        found = encode(int(pictures), int(colors), name, int(workers), Path(folder))
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--colors", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=200, help="of learning")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--line", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.line:
        line(arguments.line)
        return
    print(f"{machine()}; shards of {SHARD_SIZE:,} pictures")
    ways = [("serial", 1), *(("processes", workers) for workers in arguments.workers)]
    if is_installed("ray") and "ray" in catalogue().names("executor"):
        ways += [("ray", workers) for workers in arguments.workers]
    result: dict[str, Any] = {}
    for pictures in arguments.pictures:
        digests = set()
        for name, workers in ways:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place) / "tokens"
                found = apart("encode", pictures, arguments.colors, name, workers, folder)
                made = TokenManifest.read(folder)
                digests.add(made.model_dump_json() if made else "")
                if name == "serial":
                    loop = found["seconds"]
                    found["learning"] = apart("learn", folder, arguments.steps)  # type: ignore[assignment]
            share = loop / found["seconds"] / workers
            print(
                f"{pictures:>9,} {name + f', {workers}':14} {found['seconds']:8.1f} s "
                f"{pictures / found['seconds']:7,.0f}/s {share:6.0%} of ideal, "
                f"{found['MiB']:6.0f} + {found['worker MiB']:.0f} MiB"
            )
            if "learning" in found:
                print(f"{'':9} learning from it: {found['learning']['MiB']:.0f} MiB")  # type: ignore[index]
            result[f"{pictures} {name} {workers}"] = found
        if len(digests) != 1:
            raise SystemExit("the executors gave other tokens")
    with tempfile.TemporaryDirectory() as place:
        lost = lost_shards(arguments.pictures[0], arguments.colors, Path(place) / "tokens")
    print(f"killed under way, and gone on: {lost} whole shards encoded again")
    result["lost"] = lost
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

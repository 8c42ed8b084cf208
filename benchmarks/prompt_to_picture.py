"""How long is it from the shell's prompt to a painted picture on disk?

    python benchmarks/prompt_to_picture.py [RUN] [--json prompt.json]

`pixelgen sample RUN -n 1`, a new process each time, beside `python -c "import torch"`; the soonest
of five, in turns. RUN is a run of torch-lstm at 75×75; without one, a small one is trained first.
Goal: at most 1.5 times the import and half a second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

import pixelgen

TURNS = 5


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = arguments.run
        if run is None:
            run = Path(folder) / "run"
            tables = {"painting": {"pictures": 0, "while_training": 0}}
            pixelgen.train(model="torch-lstm", minutes=0.1, recipe=tables, out=run)
        paint = [sys.executable, "-m", "pixelgen", "sample", str(run), "-n", "1", "--out", folder]
        ways = {
            'python -c "import torch"': [sys.executable, "-c", "import torch"],
            "pixelgen sample -n 1": paint,
            "pixelgen sample -n 1 --model numpy-lstm": [*paint, "--model", "numpy-lstm"],
        }
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(TURNS):
            for name, command in ways.items():
                best[name] = min(best[name], seconds(command))
    print(machine())
    limit = 1.5 * best['python -c "import torch"'] + 0.5
    for name, found in best.items():
        print(f"{name:42} {found:6.2f} s")
    print(f"{'goal':42} {limit:6.2f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(best, indent=2) + "\n")


if __name__ == "__main__":
    main()

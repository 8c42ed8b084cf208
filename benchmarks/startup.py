"""How long does the prompt take to come back? `pixelgen --help` and `pixelgen plugins list`.

    python benchmarks/startup.py [--runs 15] [--json startup.json]

The peer is an interpreter that imports the libraries any such command line needs, and the cost of
importing PyTorch stands beside it. Commands take turns, so that a busy machine slows all alike.
Goals: within 0.2 s (`--help`) and 0.35 s (`plugins list`) of the peer.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

PEER = "import typer, rich, pydantic"
COMMANDS = {
    PEER: [sys.executable, "-c", PEER],
    "pixelgen --help": [sys.executable, "-m", "pixelgen", "--help"],
    "pixelgen plugins list": [sys.executable, "-m", "pixelgen", "plugins", "list"],
    "import torch": [sys.executable, "-c", "import torch"],
}
GOALS = {"pixelgen --help": 0.2, "pixelgen plugins list": 0.35}


def seconds(command: list[str]) -> float:
    """Return the wall time of one run of a command, or NaN where it fails."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - began if done.returncode == 0 else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(arguments.runs + 1):
        for name, command in COMMANDS.items():
            taken = seconds(command)
            if turn:  # the first turn fills the file cache
                times[name].append(taken)
    medians = {name: statistics.median(values) for name, values in times.items()}

    print(f"{platform.machine()}, Python {platform.python_version()}, {arguments.runs} runs each")
    print(f"{'command':32} {'median s':>9} {'min s':>7} {'over peer':>10} {'goal':>6}")
    for name, median in medians.items():
        goal = f"{GOALS[name]:.2f}" if name in GOALS else "–"
        over = median - medians[PEER]
        print(f"{name:32} {median:9.3f} {min(times[name]):7.3f} {over:10.3f} {goal:>6}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"times": times, "goals": GOALS}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""How long does the prompt take to come back? `pixelgen --help` and `pixelgen plugins list`.

    python benchmarks/startup.py [--runs 15] [--plugins 50] [--json startup.json]

The peer is an interpreter that imports the libraries any such command line needs, and the cost of
importing PyTorch stands beside it. For the last lines a folder is made with so many installed
distributions, each of which registers one of each kind and adds a command; the peer of those is
the same command without them. Commands take turns, so that a busy machine slows all alike.
Goals: within 0.2 s (`--help`) and 0.35 s (`plugins list`) of the peer; `--help` with 50 plugins
within 0.1 s of `--help` without.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PLUGIN = """\
import pixelgen

KINDS = ("tokenizers", "models", "samplers", "sources", "executors", "trackers")


def registering(kind):
    @pixelgen.hookimpl
    def hook(register):
        register("NAME", f"NAME_plugin.{kind}:Made", summary="one of many")

    return hook


for kind in KINDS:
    globals()[f"register_{kind}"] = registering(kind)


@pixelgen.hookimpl
def register_commands(app):
    @app.command("NAME")
    def command(path: str = "."):
        "Does nothing, like many."
"""


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        command: what is run.
        peer: the name of the line that it is set against; empty for none.
        goal: seconds over that; None for none.
        crowded: whether the many plugins are installed.
    """

    command: tuple[str, ...]
    peer: str = ""
    goal: float | None = None
    crowded: bool = False


PEER = "import typer, rich, pydantic"
HELP, LIST = ("-m", "pixelgen", "--help"), ("-m", "pixelgen", "plugins", "list")


def lines(plugins: int) -> dict[str, Line]:
    """Return what is measured, by name."""
    crowd = f"with {plugins} plugins"
    return {
        PEER: Line(("-c", PEER)),
        "pixelgen --help": Line(HELP, PEER, 0.2),
        "pixelgen plugins list": Line(LIST, PEER, 0.35),
        "import torch": Line(("-c", "import torch")),
        f"pixelgen --help {crowd}": Line(HELP, "pixelgen --help", 0.1, crowded=True),
        f"pixelgen plugins list {crowd}": Line(LIST, "pixelgen plugins list", crowded=True),
    }


def install_many(folder: Path, count: int) -> None:
    """Write distributions into a folder as an installer leaves them, with compiled modules."""
    for number in range(count):
        name = f"crowd-{number:02d}"
        module = f"{name.replace('-', '_')}_plugin"
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pixelgen]\n{name} = {module}\n")
        (folder / f"{module}.py").write_text(PLUGIN.replace("NAME", name))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)


def seconds(line: Line, crowd: Path) -> float:
    """Return the wall time of one run of a command, or NaN where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(crowd)} if line.crowded else dict(os.environ)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *line.command], capture_output=True, check=False, env=environment
    )
    return time.perf_counter() - began if done.returncode == 0 else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--plugins", type=int, default=50)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    measured = lines(arguments.plugins)
    times: dict[str, list[float]] = {name: [] for name in measured}
    with tempfile.TemporaryDirectory() as crowd:
        install_many(Path(crowd), arguments.plugins)
        for turn in range(arguments.runs + 1):
            for name, line in measured.items():
                taken = seconds(line, Path(crowd))
                if turn:  # the first turn fills the file cache
                    times[name].append(taken)
    medians = {name: statistics.median(values) for name, values in times.items()}

    print(f"{platform.machine()}, Python {platform.python_version()}, {arguments.runs} runs each")
    print(f"{'command':40} {'median s':>9} {'min s':>7} {'over peer':>10} {'goal':>6}")
    for name, line in measured.items():
        goal = "–" if line.goal is None else f"{line.goal:.2f}"
        over = f"{medians[name] - medians[line.peer]:.3f}" if line.peer else "–"
        print(f"{name:40} {medians[name]:9.3f} {min(times[name]):7.3f} {over:>10} {goal:>6}")
    if arguments.json:
        goals = {name: line.goal for name, line in measured.items()}
        arguments.json.write_text(json.dumps({"times": times, "goals": goals}, indent=2) + "\n")


if __name__ == "__main__":
    main()

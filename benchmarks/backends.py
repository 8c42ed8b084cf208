"""How fast is each backend of the canonical LSTM, and how far does it come in equal time?

    PIXELGEN_TEST_DATA=… python benchmarks/backends.py [--seconds 60] [--json backends.json]

On the Monet set (`monet/` in the folder of the environment variable PIXELGEN_TEST_DATA; 75×75,
1,000 colours, the first split): the article's recipe and ours, by every backend that is installed,
each in a process of its own and one after another. Targets a second and held-out bits per pixel
after equal seconds of training; pixels a second in painting 1 picture and 64, all that it takes
included.
The peer is the article's own program in today's Keras, where that is installed; of what it paints,
which takes as long at every pixel, two rows are timed.
Goals: keras-lstm at least 60 % of torch-lstm's targets a second, and 50 times the peer's;
numpy-lstm at least 40 % of torch-lstm's pixels a second at 64 pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from baselines.article import WINDOW, ArticlePeer
from monet import material_of, monet, recipe_of

import pixelgen
from pixelgen.models.canonical.options import ARTICLE
from pixelgen.plugins import catalogue

BACKENDS = ("torch-lstm", "keras-lstm", "numpy-lstm")
RECIPES: dict[str, dict[str, Any]] = {
    "article": {"model": ARTICLE, "data": {"augment": []}},
    "ours": {"model": {}},
}
PEER = "its program"
COLUMNS = {
    "targets_per_second": "targets/s",
    "bits_per_pixel": "bits/pixel",
    "pixels_per_second_at_1": "pixels/s at 1",
    "pixels_per_second_at_64": "at 64",
}


def tables_of(recipe: str) -> dict[str, dict[str, Any]]:
    """Return a recipe's tables, on the first split."""
    common = recipe_of(1)
    return {
        table: {**common.get(table, {}), **RECIPES[recipe].get(table, {})}
        for table in (*common, "model")
    }


def measure(recipe: str, backend: str, seconds: float, most: int) -> dict[str, float | None]:
    """Train and paint in this process; return the numbers of one line of the table."""
    tables = tables_of(recipe)
    tables["model"]["name"] = backend
    with tempfile.TemporaryDirectory() as folder:
        run = pixelgen.train(
            monet(),
            minutes=seconds / 60,
            seed=1,
            recipe=tables,
            out=Path(folder) / "run",
        )
        last = run.metrics[-1]
        result = {
            "targets_per_second": last["targets_per_second"],
            "bits_per_pixel": last["held_out_bits_per_pixel"],
        }
        run.sample(1)  # loads the model, and compiles what is compiled
        for pictures in (1, 64):
            if pictures <= most:
                began = time.perf_counter()
                run.sample(pictures, seed=2)
                rate = pictures * 75 * 75 / (time.perf_counter() - began)
                result[f"pixels_per_second_at_{pictures}"] = round(rate, 1)
    return result


def measure_peer(seconds: float) -> dict[str, float]:
    """Do the same with the article's program, in this process."""
    tables = tables_of("article")
    del tables["model"]  # ours; the peer's own is the same
    material = material_of(monet(), tables)
    peer = ArticlePeer(material.tokenizer.vocab_size, material.framing.size[0])
    targets = peer.learn(lambda number: material.chunk(number)[0], seconds)
    nats = peer.nats(material.held_out)
    tokens, count = material.held_out[0, :WINDOW], 2 * WINDOW
    peer.paint(tokens, 1)  # traced and compiled
    began = time.perf_counter()
    peer.paint(tokens, count)
    return {
        "targets_per_second": targets / seconds,
        "bits_per_pixel": float(nats.mean() / np.log(2)),
        "pixels_per_second_at_1": round(count / (time.perf_counter() - began), 1),
    }


def measured_apart(recipe: str, backend: str, seconds: float, most: int) -> dict[str, Any]:
    """Do the same in a process of its own; what went wrong is under `error`."""
    command = [sys.executable, __file__, "--one", recipe, backend]
    command += ["--seconds", str(seconds), "--pictures", str(most)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def why_not(backend: str) -> str:
    """Return why a backend cannot be measured here, or an empty string."""
    if backend == PEER:
        return "" if find_spec("keras") else "needs Keras"
    if backend not in catalogue().names("model"):
        return "is not installed"
    return catalogue().why_not(catalogue().find("model", backend))


def line(name: str, numbers: dict[str, Any]) -> str:
    if "error" in numbers:
        return f"{name:24} {numbers['error']}"
    cells = []
    for key, heading in COLUMNS.items():
        width = max(len(heading), 9)
        value = numbers.get(key)
        digits = 3 if key == "bits_per_pixel" else 0 if (value or 0) >= 100 else 1
        cells.append(f"{'–' if value is None else f'{value:,.{digits}f}':>{width}}")
    return f"{name:24} {'  '.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of training, each")
    parser.add_argument("--pictures", type=int, default=64, help="the most to paint at once")
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--one", nargs=2, metavar=("RECIPE", "BACKEND"), help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    monet()  # ends here if there are none
    if arguments.one:
        if arguments.one[1] == PEER:
            print(json.dumps(measure_peer(arguments.seconds)))
        else:
            print(json.dumps(measure(*arguments.one, arguments.seconds, arguments.pictures)))
        return

    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{arguments.seconds:g} s of training each"
    )
    headings = "  ".join(f"{heading:>{max(len(heading), 9)}}" for heading in COLUMNS.values())
    print(f"{'':24} {headings}")
    results: dict[str, dict[str, Any]] = {}
    for recipe in arguments.recipes.split(","):
        backends = arguments.backends.split(",")
        for backend in [*backends, PEER] if recipe == "article" else backends:
            reason = why_not(backend)
            numbers = (
                {"error": reason}
                if reason
                else measured_apart(recipe, backend, arguments.seconds, arguments.pictures)
            )
            results[f"{recipe}, {backend}"] = numbers
            print(line(f"{recipe}, {backend}", numbers), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

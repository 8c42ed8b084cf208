"""Is an overfitted model caught, and what do evaluation and report cost?

    PIXELGEN_TEST_DATA=… python benchmarks/seeing.py [--parts overfitted cost] [--json seeing.json]

A model that has learned five pictures by heart (no augmentation, the last weights kept, 700 steps)
beside the same on all pictures as a user would train it: the verdict on each sample, and what
`pixelgen evaluate` says of the gap. Then `evaluate` and `report` of 64 samples against 1,000
bundled landscapes, in a folder, at 75×75: seconds and peak memory of each process.
Goals: copies found for the first, at most 5 of 100 samples for the second; both together under 60
seconds and 1 GiB. Without PIXELGEN_TEST_DATA the pictures are the bundled landscapes.

Linux, for the peak memory of a process that has ended.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

from pixelgen.data.collection import HELD_OUT_SHARE
from pixelgen.sources.sample import Sample

SIDE = 75
PARTS = ("overfitted", "cost")
FEW = 6  # pictures, of which one is held out
BY_HEART = ("--augment", "none", "-o", "training.weights=last", "-o", "training.steps=700")
NO_PICTURES = ("-n", "1", "-o", "painting.while_training=0")


def pixelgen(*words: str | Path) -> tuple[float, int]:
    """Run the command line; return its seconds and the peak of its memory in MiB."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "pixelgen", *map(str, words)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"pixelgen {' '.join(map(str, words))} ended with status {status}")
    return time.perf_counter() - began, usage.ru_maxrss // 1024


def judged(run: Path, samples: int) -> dict[str, Any]:
    """Evaluate a run; return its bits, what is said of the gap, and the count of each verdict."""
    pixelgen("evaluate", run, "-n", str(samples))
    evaluation = json.loads((run / "evaluation.json").read_text())
    verdicts = Counter(each["verdict"] for each in evaluation["novelty"]["samples"])
    return {
        "trained_bits": evaluation["bits"]["train"]["mean"],
        "held_out_bits": evaluation["bits"]["held_out"]["mean"],
        "fit": evaluation["bits"]["fit"],
        **{verdict: verdicts[verdict] for verdict in ("copy", "close", "new")},
    }


def overfitted(folder: Path, samples: int) -> dict[str, Any]:
    """Train on few pictures until they are known by heart, and on all as a user would."""
    root = os.environ.get("PIXELGEN_TEST_DATA")
    if root:
        paintings = sorted((Path(root) / "monet").iterdir())
        few = folder / "few"
        few.mkdir()
        for painting in paintings[:FEW]:
            shutil.copy(painting, few)
        sources = {"five pictures by heart": [few], "all pictures": [Path(root) / "monet"]}
    else:
        sources = {
            "five pictures by heart": ["-o", f"source.pictures={FEW}"],
            "all pictures": [],
        }
    result = {}
    for number, (name, source) in enumerate(sources.items()):
        run = folder / f"run-{number}"
        budget = BY_HEART if number == 0 else ("--minutes", "4")
        pixelgen("run", *source, *budget, "--seed", "1", "--out", run, *NO_PICTURES)
        result[name] = judged(run, samples)
        print(f"{name}: {result[name]}", flush=True)
    return result


def cost(folder: Path, pictures: int, samples: int) -> dict[str, Any]:
    """Measure `evaluate` and `report` of a folder of pictures, after a short training."""
    held_out = round(pictures * HELD_OUT_SHARE / (1 - HELD_OUT_SHARE))
    landscapes, run = folder / "landscapes", folder / "many"
    landscapes.mkdir()
    source = Sample(Sample.Options(pictures=pictures + held_out), None)
    for picture in source.pictures((SIDE, SIDE)):
        Image.fromarray(picture.pixels).save(landscapes / f"{picture.name}.png")
    pixelgen("run", landscapes, "--minutes", "0.5", "--seed", "1", "--out", run, *NO_PICTURES)
    learned = len(json.loads((run / "run.json").read_text())["data"]["train"])
    result: dict[str, Any] = {"trained_on": learned}
    for command, words in {"evaluate": ("-n", str(samples)), "report": ()}.items():
        seconds, peak = pixelgen(command, run, *words)
        result[command] = {"seconds": seconds, "peak_mib": peak}
    result["page_mib"] = (run / "report.html").stat().st_size / 2**20
    print(f"{samples} samples, {learned} pictures: {result}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--pictures", type=int, default=1000, help="to train on, for the cost")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}", flush=True)
    result = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if "overfitted" in arguments.parts:
            result["overfitted"] = overfitted(folder, arguments.samples)
        if "cost" in arguments.parts:
            result["cost"] = cost(folder, arguments.pictures, arguments.samples)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

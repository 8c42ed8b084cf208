"""What is each part of torch-lstm, and of the augmentation, worth?

    PIXELGEN_TEST_DATA=… python benchmarks/ablation.py [--minutes 1 4] [--splits 1 2 3]
        [--scan raster] [--only …] [--json kept.json]
    python benchmarks/ablation.py --pictures 10 1000 --splits 1 [--minutes 0.5 1 4] [--only …]

On the Monet set (`monet/` in the folder of the environment variable PIXELGEN_TEST_DATA; 75×75,
1,000 colours): held-out bits per pixel with one part at a time taken away or changed, after equal
minutes of training, one run after another with everything else stopped. A part that makes a step
cheaper or dearer is charged for it: the minutes are equal, not the steps.

With `--pictures` the same on so many of the landscapes that the source `sample` paints, to see
whether the defaults suit small and large folders. 15 in 100 are held out, two at least.

All parts are measured on a split before the next split begins. With `--json` each run's bits are
kept in a file as soon as they are known, and what that file has is not measured again: the whole
table is hours of work, which so can be stopped and gone on with.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from machine import machine
from monet import monet, recipe_of

import pixelgen
from pixelgen.runs.atomic import write_json


def wide(width: int) -> dict[str, Any]:
    """Options of a network that is so wide all over."""
    return {"hidden": width, "embedding": width, "projection": width}


PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "as it is": {},
    "no colour jitter": {"data": {"augment": ["flips", "crops"]}},
    "no crops": {"data": {"augment": ["flips", "colours"]}},
    "no flips": {"data": {"augment": ["crops", "colours"]}},
    "no augmentation": {"data": {"augment": []}},
    "context near": {"model": {"context": "near"}},
    "context previous": {"model": {"context": "previous"}},
    "no neighbours' colours": {"model": {"colours": False}},
    "no token embeddings": {"model": {"token_embeddings": 0}},
    "token embeddings of four neighbours": {"model": {"token_embeddings": 4}},
    "no positions": {"model": {"positions": "none"}},
    "positions as shares of the sides": {"model": {"positions": "relative"}},
    "plain output layer": {"model": {"output": "plain"}},
    "no tied neighbours": {"model": {"tied_neighbours": 0}},
    "24 tied neighbours": {"model": {"tied_neighbours": 24}},
    "no tied coarser cells": {"model": {"tied_coarser": False}},
    "tied neighbours in one head": {"model": {"tied_heads": 1}},
    "state carried along the picture": {"model": {"memory": "picture"}},
    "row by row (scan=raster)": {"data": {"scan": "raster"}},
    "no recurrence (torch-mlp)": {"model": {"name": "torch-mlp"}},
    "torch-mlp row by row": {"data": {"scan": "raster"}, "model": {"name": "torch-mlp"}},
    "torch-mlp with AdamW": {"model": {"name": "torch-mlp", "optimizer": "adamw"}},
    "a transformer (torch-gpt)": {"model": {"name": "torch-gpt"}},
    "torch-gpt row by row": {"data": {"scan": "raster"}, "model": {"name": "torch-gpt"}},
    "torch-gpt with AdamW": {"model": {"name": "torch-gpt", "optimizer": "adamw"}},
    "64 wide": {"model": wide(64)},
    "96 wide": {"model": wide(96)},
    "256 wide": {"model": wide(256)},
    "hidden 384, 256 wide else": {"model": {**wide(256), "hidden": 384}},
    "two layers": {"model": {"layers": 2}},
    # Unless pictures are few, that is as it is, and shows how far one run differs from the next.
    "no dropout": {"model": {"dropout": 0}},
    "dropout 0.2": {"model": {"dropout": 0.2}},
    "batch 64": {"model": {"batch": 64}},
    "products in float32": {"model": {"precision": "float32"}},
    "AdamW in place of Muon": {"model": {"optimizer": "adamw"}},
    "weight decay 0.1": {"model": {"weight_decay": 0.1}},
    "weight decay 0.1, dropout 0.1": {"model": {"weight_decay": 0.1, "dropout": 0.1}},
}


@dataclass(frozen=True)
class Setting:
    """What a row of the table was measured with, but for the part.

    Attributes:
        minutes: of training.
        landscapes: how many the source `sample` paints; the Monet set if None.
        scan: by its name; the one that suits the model if None.
    """

    minutes: float
    landscapes: int | None
    scan: str | None

    def __str__(self) -> str:
        name = "Monet" if self.landscapes is None else f"{self.landscapes:,} landscapes"
        scan = "" if self.scan is None else f", {self.scan}"
        return f"{name}, {self.minutes:g} min{scan}"

    def recipe(self, split: int) -> dict[str, dict[str, Any]]:
        """The recipe with no part changed."""
        recipe = {**recipe_of(split), "model": {"name": "torch-lstm"}}
        if self.scan is not None:
            recipe["data"]["scan"] = self.scan
        if self.landscapes is not None:
            recipe["source"] = {"pictures": self.landscapes}
            recipe["data"]["held_out"] = max(recipe["data"]["held_out"], 2 / self.landscapes)
        return recipe

    def bits(self, pictures: Path | None, part: str, split: int) -> float:
        """Return the held-out bits of a run with this part changed."""
        recipe = {
            name: {**table, **PARTS[part].get(name, {})}
            for name, table in self.recipe(split).items()
        }
        with TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            run = pixelgen.train(pictures, minutes=self.minutes, recipe=recipe, out=out)
            found: float = run.manifest["best"]["held_out_bits_per_pixel"]
            return found


class Results:
    """The bits that have been measured, by row and split, in a file if one is named.

    Raises:
        SystemExit: what the file has is from another machine.
    """

    def __init__(self, kept: Path | None) -> None:
        self.kept = kept
        self.machine = machine()
        self.bits: dict[str, dict[str, float]] = {}
        if kept is not None and kept.exists():
            found = json.loads(kept.read_text())
            if found["machine"] != self.machine:
                raise SystemExit(f"{kept} is from {found['machine']}, and here are {self.machine}")
            self.bits = found["bits"]

    def add(self, row: str, split: int, bits: float) -> None:
        """Take a run's bits in, and write the file anew."""
        self.bits.setdefault(row, {})[str(split)] = bits
        if self.kept is not None:
            write_json(self.kept, {"machine": self.machine, "bits": self.bits})

    def missing(self, row: str, split: int) -> bool:
        """Whether this run is still to be measured."""
        return str(split) not in self.bits.get(row, {})

    def line(self, row: str) -> str:
        """The mean over the splits, and each of them."""
        found = dict(sorted(self.bits[row].items()))
        listed = "  ".join(f"{bits:.3f}" for bits in found.values())
        return f"{mean(found.values()):.3f}   ({listed})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 4])
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--pictures", type=int, nargs="+", help="landscapes in place of paintings")
    parser.add_argument("--scan", help="of all rows; the one that suits the model if left out")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, help="what has been measured; gone on with if there")
    arguments = parser.parse_args()
    paintings = None if arguments.pictures else monet()
    results = Results(arguments.json)
    print(f"{results.machine}; splits {arguments.splits}", flush=True)
    for landscapes, minutes in product(arguments.pictures or [None], arguments.minutes):
        setting = Setting(minutes, landscapes, arguments.scan)
        rows = {part: f"{setting}, {part}" for part in arguments.only}
        for split, (part, row) in product(arguments.splits, rows.items()):
            if results.missing(row, split):
                results.add(row, split, setting.bits(paintings, part, split))
                print(f"split {split}  {row:52} {results.bits[row][str(split)]:.3f}", flush=True)
        for part, row in rows.items():
            print(f"{setting!s:28} {part:34} {results.line(row)}", flush=True)


if __name__ == "__main__":
    main()

"""What is each part of torch-lstm, and of the augmentation, worth?

    PIXELGEN_TEST_DATA=… python benchmarks/ablation.py [--minutes 1 4] [--splits 1 2 3] [--only …]
    python benchmarks/ablation.py --pictures 10 1000 --splits 1 [--minutes 0.5 1 4] [--only …]

On the Monet set (`monet/` in the folder of the environment variable PIXELGEN_TEST_DATA; 75×75,
1,000 colours): held-out bits per pixel with one part at a time taken away or changed, after equal
minutes of training, one run after another with everything else stopped. A part that makes a step
cheaper or dearer is charged for it: the minutes are equal, not the steps.

With `--pictures` the same on so many of the landscapes that the source `sample` paints, to see
whether the defaults suit small and large folders. 15 in 100 are held out, two at least.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from monet import monet, recipe_of

import pixelgen
from pixelgen.threads import cores


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
    "tied neighbours in one head": {"model": {"tied_heads": 1}},
    "state carried along the picture": {"model": {"memory": "picture"}},
    "no recurrence (torch-mlp)": {"model": {"name": "torch-mlp"}},
    "torch-mlp with AdamW": {"model": {"name": "torch-mlp", "optimizer": "adamw"}},
    "a transformer (torch-gpt)": {"model": {"name": "torch-gpt"}},
    "torch-gpt with AdamW": {"model": {"name": "torch-gpt", "optimizer": "adamw"}},
    "64 wide": {"model": wide(64)},
    "96 wide": {"model": wide(96)},
    "256 wide": {"model": wide(256)},
    "hidden 384, 256 wide else": {"model": {**wide(256), "hidden": 384}},
    "two layers": {"model": {"layers": 2}},
    "dropout 0.2": {"model": {"dropout": 0.2}},
    "batch 64": {"model": {"batch": 64}},
    "products in float32": {"model": {"precision": "float32"}},
    "AdamW in place of Muon": {"model": {"optimizer": "adamw"}},
    "weight decay 0.1": {"model": {"weight_decay": 0.1}},
    "weight decay 0.1, dropout 0.1": {"model": {"weight_decay": 0.1, "dropout": 0.1}},
    "along a pyramid": {"data": {"scan": "pyramid"}},
    "along it, no coarser cells tied": {
        "data": {"scan": "pyramid"},
        "model": {"tied_coarser": False},
    },
}


@dataclass(frozen=True)
class Setting:
    """What a row of the table was measured with, but for the part.

    Attributes:
        minutes: of training.
        landscapes: how many the source `sample` paints; the Monet set if None.
    """

    minutes: float
    landscapes: int | None

    def __str__(self) -> str:
        name = "Monet" if self.landscapes is None else f"{self.landscapes:,} landscapes"
        return f"{name}, {self.minutes:g} min"

    def recipe(self, split: int) -> dict[str, dict[str, Any]]:
        """The recipe with no part changed."""
        recipe = {**recipe_of(split), "model": {"name": "torch-lstm"}}
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 4])
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--pictures", type=int, nargs="+", help="landscapes in place of paintings")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    paintings = None if arguments.pictures else monet()
    print(f"{platform.machine()}, {cores()} cores; splits {arguments.splits}", flush=True)
    result: dict[str, list[float]] = {}
    for landscapes, minutes in product(arguments.pictures or [None], arguments.minutes):
        setting = Setting(minutes, landscapes)
        for part in arguments.only:
            found = [setting.bits(paintings, part, split) for split in arguments.splits]
            result[f"{setting}, {part}"] = found
            listed = "  ".join(f"{each:.3f}" for each in found)
            print(f"{setting!s:28} {part:32} {mean(found):.3f}   ({listed})", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Do pictures have a plan where a small copy of each is painted first, and what does that cost?

    PIXELGEN_TEST_DATA=… python benchmarks/composition.py [--minutes 4] [--splits 1 2 3]
        [--scans pyramid] [--sheets FOLDER]

On the Monet set (`monet/` in the folder of the environment variable PIXELGEN_TEST_DATA; 75×75,
1,000 colours): torch-lstm as it is, along the scans `raster` and `pyramid`, after equal minutes,
one after another with everything else stopped:

    bits        per pixel of the held-out pictures; both scans visit every pixel once
    distance    of 64 painted pictures to the held-out ones: sliced Wasserstein of all of a picture
                in 15×15 cells, in OKLab; `floor` is that of the pictures that are learned
    layers      the share of the variance of those cells that is between the rows of cells, as of a
                sky above a ground; `real` is that of all paintings

`--sheets` leaves a sheet of 32 painted pictures a run in a folder.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from machine import machine
from monet import monet, recipe_of

import pixelgen
from pixelgen.evaluation.held_out import material_of
from pixelgen.evaluation.likeness import sliced_wasserstein
from pixelgen.evaluation.novelty.detail import oklab
from pixelgen.randomness import generator_for
from pixelgen.report.contact_sheet import contact_sheet

SCANS = ("raster", "pyramid")
CELLS, PICTURES = 15, 64


@dataclass(frozen=True)
class Measured:
    """What the table tells of a run."""

    bits: float
    distance: float
    floor: float
    layers: float
    real: float


def reduced(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (N, 75, 75, 3) in 15×15 cells: (N, 15, 15, 3) OKLab."""
    count, side = len(pictures), pictures.shape[1] // CELLS
    blocks = oklab(pictures).reshape(count, CELLS, side, CELLS, side, 3)
    return blocks.mean(axis=(2, 4))


def layers(cells: np.ndarray) -> float:
    """Return the mean share of the variance of cells (N, 15, 15, 3) that is between their rows."""
    whole = cells.var(axis=(1, 2)).sum(axis=-1)
    between = cells.mean(axis=2).var(axis=1).sum(axis=-1)
    return float((between / whole).mean())


def measure(pictures: Path, scan: str, split: int, minutes: float, sheets: Path | None) -> Measured:
    """Train, paint and measure."""
    recipe = recipe_of(split)
    recipe["data"]["scan"] = scan
    with TemporaryDirectory() as folder:
        run = pixelgen.train(
            pictures, model="torch-lstm", minutes=minutes, recipe=recipe, out=Path(folder) / "run"
        )
        bits = run.manifest["best"]["held_out_bits_per_pixel"]
        painted = run.sample(PICTURES)
        material = material_of(run)
        held_out = reduced(material.plain(material.split.held_out))
        learned = reduced(material.plain(material.split.train))
    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
        rows = [painted[begin : begin + 8] for begin in range(0, 32, 8)]
        sheet = contact_sheet(rows, title=f"{scan}, {minutes:g} minutes, split {split}")
        sheet.save(sheets / f"{scan}-{minutes:g}-split-{split}.png")

    def apart(cells: np.ndarray) -> float:
        points = (cells.reshape(len(cells), -1), held_out.reshape(len(held_out), -1))
        return sliced_wasserstein(*points, generator_for(0, "directions"))

    return Measured(
        bits=bits,
        distance=apart(reduced(painted)),
        floor=apart(learned),
        layers=layers(reduced(painted)),
        real=layers(np.concatenate([held_out, learned])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[4])
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--scans", nargs="+", choices=SCANS, default=SCANS)
    parser.add_argument("--sheets", type=Path)
    arguments = parser.parse_args()
    pictures = monet()
    print(machine(), flush=True)
    for minutes in arguments.minutes:
        for split in arguments.splits:
            for scan in arguments.scans:
                found = measure(pictures, scan, split, minutes, arguments.sheets)
                print(
                    f"{minutes:4g} min, split {split}  {scan:8} {found.bits:6.3f} bits  "
                    f"distance {found.distance:.4f} (floor {found.floor:.4f})  "
                    f"layers {found.layers:.2f} (real {found.real:.2f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""Draws the painted pictures of the documentation from a run.

    pixelgen run -m torch-lstm -o source.pictures=256 --minutes 6 --out landscapes
    python -m docs.generate.painting landscapes

They are no part of `python -m docs.generate`, since that trains nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from docs.generate.svg import PAPER
from pixelgen.data.schedule import make_schedule
from pixelgen.run import Run

PICTURES = Path(__file__).parents[1] / "pictures"
ROWS, COLUMNS, GAP = 2, 4, 3
MOMENTS = (80, 180, 280)  # steps of painting; the last picture is the finished one
TEMPERATURE = 0.9


def samples(run: Run) -> Image.Image:
    """Return the first pictures of the run's seed, side by side."""
    pictures = run.sample(ROWS * COLUMNS, temperature=TEMPERATURE)
    return _side_by_side(pictures, COLUMNS)


def waves(run: Run, number: int = 5) -> Image.Image:
    """Return one picture after some steps of its painting."""
    cutter = run.cutter
    schedule = make_schedule(cutter.scan, cutter.table, cutter.segments.memory)
    finished = run.sample(number + 1, temperature=TEMPERATURE)[number]
    moments = []
    for steps in (*MOMENTS, len(schedule.waves)):
        painted = np.zeros(cutter.scan.cells, bool)
        painted[np.concatenate(schedule.waves[:steps])] = True
        picture = finished.copy()
        picture[~painted.reshape(picture.shape[:2])] = (236, 232, 222)
        moments.append(picture)
    return _side_by_side(np.stack(moments), len(moments))


def _side_by_side(pictures: np.ndarray, columns: int) -> Image.Image:
    height, width = pictures.shape[1:3]
    rows = -(-len(pictures) // columns)
    size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    sheet = Image.new("RGB", size, PAPER)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        place = (column * (width + GAP), row * (height + GAP))
        sheet.paste(Image.fromarray(picture[..., :3]), place)
    return sheet


if __name__ == "__main__":
    painted = Run(sys.argv[1])
    for name, sheet in (("samples", samples(painted)), ("waves", waves(painted))):
        sheet.save(PICTURES / f"{name}.webp", lossless=True, quality=100, method=6)
        print(f"wrote docs/pictures/{name}.webp")

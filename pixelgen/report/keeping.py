"""What the page shows of a run's pictures, kept beside it, so that it can be made without them."""

from __future__ import annotations

import numpy as np

from pixelgen.data.material import Material
from pixelgen.report.baselines import measure_baselines, write_baselines
from pixelgen.report.contact_sheet import png_bytes
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.pictures import read_png

MOST_PICTURES = 60
MOST_PIXELS = 4_000_000


def keep_for_report(run: RunDirectory, material: Material) -> None:
    """Write `report/`: some training pictures as the model saw them, and the baselines.

    Raises:
        StorageError: the disk is full.
    """
    folder = run.path / "report"
    with atomic.explained(folder):
        folder.mkdir(exist_ok=True)
    width, height = material.framing.size
    count = max(1, min(MOST_PICTURES, MOST_PIXELS // (width * height)))
    chosen = material.split.train[:count]
    pictures = [
        material.framing.plain(material.collection.pictures[index].pixels) for index in chosen
    ]
    atomic.write_bytes(folder / "training.png", png_bytes(np.concatenate(pictures, axis=1)))
    baselines = measure_baselines(material)
    if baselines is not None:
        write_baselines(run, baselines)


def kept_training_pictures(run: RunDirectory, width: int) -> list[np.ndarray]:
    """Return the training pictures that were kept: (H, width, 3 or 4) uint8, in the split's order.

    Raises:
        RunUnreadable: the file is damaged.
    """
    path = run.path / "report" / "training.png"
    if not path.exists():
        return []
    sheet = read_png(path, remedy=f"Remove {path}: the page is then made without it")
    return [sheet[:, begin : begin + width] for begin in range(0, sheet.shape[1], width)]

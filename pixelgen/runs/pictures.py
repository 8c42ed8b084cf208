"""Reading back the pictures that a run has written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pixelgen.errors import RunUnreadable
from pixelgen.runs import atomic
from pixelgen.untrusted import check_regular

SHEET = "contact-sheet.png"


@dataclass(frozen=True)
class Painted:
    """A picture in `samples/`, named after how it was painted.

    Attributes:
        path: of the PNG.
        seed, index: that it was painted with.
        temperature: None where the run has but one.
    """

    path: Path
    seed: int
    index: int
    temperature: float | None


def painted_in(folder: Path, seed: int) -> list[Painted]:
    """Return what a seed has painted into a folder, by temperature and index."""
    return sorted(
        _named(folder, seed), key=lambda painted: (painted.temperature or 0, painted.index)
    )


def set_aside(folder: Path, step: int) -> Path | None:
    """Move what other weights have painted into `samples/`, out of the way of what comes now.

    Folders in it stay: what lies there was painted otherwise than the run paints.

    Args:
        folder: `samples/` of a run.
        step: until which those weights had learned.

    Returns:
        Where the pictures are now, a folder in there; None if there were none.

    Raises:
        StorageError: they cannot be moved.
    """
    painted = [*folder.glob("seed*.png"), *folder.glob(SHEET)]
    if not painted:
        return None
    aside = folder / f"step-{step:08d}"
    with atomic.explained(aside):
        aside.mkdir(exist_ok=True)
        for path in painted:
            path.replace(aside / path.name)
        atomic.sync_directory(aside)
        atomic.sync_directory(folder)
    return aside


def read_png(path: Path, *, remedy: str) -> np.ndarray:
    """Return a PNG as (H, W, 3 or 4) uint8.

    Raises:
        RunUnreadable: the file is missing or damaged; `remedy` says what to do.
    """
    try:
        check_regular(path)
        with Image.open(path, formats=["PNG"]) as image:
            return np.asarray(image if image.mode in ("RGB", "RGBA") else image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RunUnreadable(
            f"the picture cannot be read: {error}", where=str(path), remedy=remedy
        ) from error


def _named(folder: Path, seed: int) -> Iterator[Painted]:
    for path in folder.glob(f"seed{seed}-*.png"):
        found = re.fullmatch(rf"seed{seed}(?:-t([\d.e+-]+))?-(\d{{4,}})\.png", path.name)
        if found:
            with suppress(ValueError):  # what is not a number names no picture of ours
                temperature = None if found[1] is None else float(found[1])
                yield Painted(path, seed, int(found[2]), temperature)

"""A comparison of a few seconds, with names that mean harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pixelgen.comparison.matrix import Matrix

SIDE = 8
HOSTILE_SETTING = "<script>alert(1)</script>\x1b[31m"
HOSTILE_PICTURE = '"><img src=x onerror=alert(2)>.png'


def paint_folder(folder: Path, pictures: int = 12) -> Path:
    """Write small pictures, one of them under a hostile name; the same for each call."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for number in range(pictures):
        down, across = np.mgrid[:SIDE, :SIDE]
        plain = np.stack([across * 30, down * 30, (across + down) * 15], axis=-1)
        pixels = (plain + generator.integers(0, 80, plain.shape)).clip(0, 255).astype(np.uint8)
        name = HOSTILE_PICTURE if number == 0 else f"picture-{number}.png"
        Image.fromarray(pixels).save(folder / name)
    return folder


def tables(folder: Path, **changed: object) -> dict[str, object]:
    """Return a comparison of two orders of `markov` on a folder."""
    return {
        "seeds": 2,
        "budget": {"epochs": 2},
        "base": {
            "source": {"location": str(folder)},
            "data": {"size": SIDE, "held_out": 0.67},
            "tokenizer": {"name": "rgb-grid", "colors": 27},
            "model": {"name": "markov"},
        },
        "setting": [
            {"name": HOSTILE_SETTING, "model": {"order": 2}},
            {"name": "order 0", "model": {"order": 0}},
        ],
        **changed,
    }


def matrix_of(folder: Path, **changed: object) -> Matrix:
    """Return the matrix of `tables`."""
    return Matrix.parse(tables(folder, **changed), where="test")

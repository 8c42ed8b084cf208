"""What benchmarks on the article's paintings have in common: where these are, and the recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def monet() -> Path:
    """Return the folder of the paintings.

    Raises:
        SystemExit: the environment does not say where it is.
    """
    place = os.environ.get("PIXELGEN_TEST_DATA")
    if not place:
        raise SystemExit("PIXELGEN_TEST_DATA does not say where the paintings are")
    return Path(place) / "monet"


def recipe_of(split: int) -> dict[str, dict[str, Any]]:
    """Return 75×75 in 1,000 colours, with so many held out, and nothing painted meanwhile."""
    return {
        "data": {"size": 75, "held_out": 0.15, "split_seed": split},
        "tokenizer": {"name": "numpy-kmeans", "colors": 1000},
        "painting": {"pictures": 0, "while_training": 0},
    }

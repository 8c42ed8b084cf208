"""Picture files in memory, and a run that learns from whatever holds them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from pixelgen import api
from pixelgen.run import Run


def png(level: int, side: int = 9) -> bytes:
    """Return a PNG file of one colour, (level, 100, 200)."""
    held = io.BytesIO()
    Image.new("RGB", (side, side), (level, 100, 200)).save(held, "PNG")
    return held.getvalue()


def learn_from(source: str, location: str, out: Path, **options: object) -> Run:
    """Train the smallest model there is on what a source holds."""
    return api.train(
        recipe={
            "source": {"name": source, "location": location, **options},
            "tokenizer": {"name": "numpy-kmeans", "colors": 4},
            "model": {"name": "markov"},
            "data": {"size": [8, 8], "augment": "none", "held_out": 0.2},
            "training": {"epochs": 1},
            "painting": {"while_training": 0, "pictures": 1},
        },
        out=out,
    )

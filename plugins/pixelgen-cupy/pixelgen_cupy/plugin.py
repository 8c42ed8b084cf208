"""What this distribution registers. Every command imports this file, so it imports no CuPy."""

from __future__ import annotations

from importlib.util import find_spec

import pixelgen
from pixelgen.hookspecs import Register


@pixelgen.hookimpl
def register_tokenizers(register: Register) -> None:
    """Register `cupy-kmeans`, which works without CuPy too."""
    here = "on a GPU if there is one" if find_spec("cupy") else "here on NumPy, for want of CuPy"
    register(
        "cupy-kmeans",
        "pixelgen_cupy.kmeans:CupyKMeans",
        summary=f"k-means palette of the pictures' own colours; {here}",
    )

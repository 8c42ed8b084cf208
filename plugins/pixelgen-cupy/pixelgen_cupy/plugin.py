"""What this distribution registers. Every command imports this file, so it imports no CuPy."""

from __future__ import annotations

import pixelgen
from pixelgen.hookspecs import Register
from pixelgen.registration import has_cuda_device, is_installed


@pixelgen.hookimpl
def register_tokenizers(register: Register) -> None:
    """Register `cupy-kmeans`, which works without CuPy too."""
    if not is_installed("cupy"):
        here = "here on NumPy, for want of CuPy"
    else:
        here = "on the GPU" if has_cuda_device() else "here on NumPy, for want of a GPU"
    register(
        "cupy-kmeans",
        "pixelgen_cupy.kmeans:CupyKMeans",
        summary=f"k-means palette of the pictures' own colours; {here}",
    )

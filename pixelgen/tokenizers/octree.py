"""Octree: cells of the colour cube, the emptiest merged into one another."""

from __future__ import annotations

from PIL import Image

from pixelgen.tokenizers.pillow_palette import PillowPalette


class Octree(PillowPalette):
    """Learns a palette from an octree (Gervautz and Purgathofer, 1988), in Pillow's C code."""

    kind = "octree"
    method = Image.Quantize.FASTOCTREE

"""Median cut: boxes of the colour cube, cut in two at their median pixel."""

from __future__ import annotations

from PIL import Image

from pixelgen.tokenizers.pillow_palette import PillowPalette


class MedianCut(PillowPalette):
    """Learns a palette by median cut (Paul Heckbert, 1982), in Pillow's C code."""

    kind = "median-cut"
    method = Image.Quantize.MEDIANCUT

"""Palettes made by Pillow's own quantizers, behind the interface of all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

import numpy as np
from PIL import Image
from pydantic import Field

from pixelgen.data.alpha import on_white
from pixelgen.errors import TokenizerError
from pixelgen.options import Options as BaseOptions
from pixelgen.tokenizers.dither import DitherName
from pixelgen.tokenizers.palette_tokenizer import PaletteTokenizer
from pixelgen.tokenizers.pictures import check_picture

MOST_PIXELS = 1 << 28  # what Pillow is given at once
LONGEST = 1 << 14  # pixels in a row of it


class PillowPalette(PaletteTokenizer):
    """Learns a palette with `Image.quantize`; pixels then go to their nearest colours.

    Transparency is laid on white.
    """

    class Options(BaseOptions):
        """Options of Pillow's quantizers."""

        colors: int = Field(256, ge=2, le=256, description="colours in the palette")
        dither: DitherName = Field("none", description="how areas keep their mean colour")

    method: ClassVar[Image.Quantize]

    def fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn the palette of pictures (H, W, 3 or 4) uint8; return self.

        Raises:
            TokenizerError: there are no pictures, one of them is none, or they have more than
                268 million pixels together.
        """
        where = f"fit of {self.kind}"
        pixels = [on_white(check_picture(image, where)).reshape(-1, 3) for image in images]
        total = sum(len(some) for some in pixels)
        if not 1 <= total <= MOST_PIXELS:
            raise TokenizerError(
                f"{total:,} pixels to learn from" if total else "no pictures to learn from",
                where=where,
                remedy="Use numpy-kmeans, which takes any number" if total else "Give at least one",
            )
        # One row of pixels, folded because Pillow's sides are limited; less than one a row is
        # missing then, and pixels from all over stand twice in their place.
        rows = -(-total // LONGEST)
        missing = -total % rows
        joined = np.concatenate(pixels)
        again = np.linspace(0, total - 1, missing).astype(int)
        joined = np.concatenate([joined, joined[again]]).reshape(rows, -1, 3)
        image = Image.fromarray(joined).quantize(self.options.colors, self.method)
        used = np.unique(np.asarray(image))
        colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)[used]
        palette = np.unique(colours, axis=0)
        self.notes = []
        if len(palette) < self.options.colors:
            self.notes.append(f"{len(palette)} colours in place of {self.options.colors}")
        self.set_palette(palette)
        return self

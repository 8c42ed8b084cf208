"""Uniform levels a channel: a vocabulary that needs no fitting and is the same for all pictures."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import prod
from typing import Any, Self

import numpy as np
from pydantic import Field, field_validator

from pixelgen.options import Options as BaseOptions
from pixelgen.tokenizers.palette_tokenizer import PaletteTokenizer

MOST_COLOURS = 1 << 16
# Of two channels with equally many levels, the one that the eye sees better gets the next.
_GREEN_RED_BLUE = (1, 0, 2)


class RGBGrid(PaletteTokenizer):
    """The colours of a regular grid in the sRGB cube, corners included."""

    class Options(BaseOptions):
        """Options of rgb-grid."""

        colors: int = Field(
            512,
            ge=8,
            le=65_536,
            description="at most this many colours",
        )
        levels: tuple[int, int, int] | None = Field(
            None, description="levels of red, green and blue, each 2 to 256, in place of colors"
        )

        @field_validator("levels")
        @classmethod
        def _within_bounds(cls, levels: tuple[int, int, int] | None) -> Any:
            if levels and not (
                all(2 <= count <= 256 for count in levels) and prod(levels) <= MOST_COLOURS
            ):
                raise ValueError("each is 2 to 256, and their product at most 65,536")
            return levels

    kind = "rgb-grid"

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        super().__init__(options, device=device)
        levels = options.levels or levels_for(options.colors)
        steps = [np.rint(np.linspace(0, 255, count)).astype(np.uint8) for count in levels]
        self.set_palette(np.array(list(product(*steps)), np.uint8))
        if options.levels is None and prod(levels) < options.colors:
            shape = "×".join(str(count) for count in levels)
            self.notes.append(
                f"{prod(levels)} colours, {shape} levels of red, green and blue: the most "
                f"that a grid can have within {options.colors}"
            )

    def fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Return self: there is nothing to learn."""
        return self

    def partial_fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Return self: there is nothing to learn."""
        return self


def levels_for(colors: int) -> tuple[int, int, int]:
    """Return the levels of red, green and blue, as equal as can be, for at most `colors`."""
    levels = [2, 2, 2]
    while True:
        for channel in sorted(_GREEN_RED_BLUE, key=lambda channel: levels[channel]):
            more = list(levels)
            more[channel] += 1
            if prod(more) <= colors and max(more) - min(levels) <= 1:
                levels = more
                break
        else:
            return levels[0], levels[1], levels[2]

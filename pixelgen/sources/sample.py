"""Landscapes painted by program: something to learn where there is no folder of pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pydantic import Field

from pixelgen.data.augmentation import SMALLEST_CROP
from pixelgen.errors import SourceError
from pixelgen.options import Options as BaseOptions
from pixelgen.sources.interface import Picture, Source
from pixelgen.sources.landscapes import paint_landscape


class Sample(Source):
    """Small landscapes with visible brush strokes; each seed has its own, without end.

    They are painted a third larger than asked, so that the smallest crop of one still has a pixel
    for each that is wanted. Painting takes some 20 ms a picture of 100×100, in Python: threads
    would not help.
    """

    class Options(BaseOptions):
        """How many landscapes there are."""

        pictures: int = Field(64, ge=1, le=1_000_000, description="how many landscapes to paint")
        seed: int = Field(1, ge=0, lt=2**63, description="which landscapes; not the run's own seed")

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        super().__init__(options, location, seed=seed)
        if location:
            raise SourceError(
                f"the source 'sample' paints its pictures and cannot read {location!r}",
                where="in the place of the pictures",
                remedy="Leave the place out, or take --source folder",
            )

    def pictures(self, size: tuple[int, int]) -> Iterator[Picture]:
        """Yield `landscape-0000` and so on, (height, width, 3) uint8, of 4/3 of `size`."""
        return (unread() for unread in self.unread(size))

    def unread(self, size: tuple[int, int]) -> Iterator[Callable[[], Picture]]:
        """Yield what paints each landscape."""
        sides = [math.ceil(side / SMALLEST_CROP) for side in size]
        return (
            partial(_landscape, self.options.seed, index, *sides)
            for index in range(self.options.pictures)
        )

    def length(self) -> int:
        """Return how many landscapes were asked for."""
        return int(self.options.pictures)


def _landscape(seed: int, index: int, width: int, height: int) -> Picture:
    return Picture(f"landscape-{index:04d}", paint_landscape(seed, index, width, height))

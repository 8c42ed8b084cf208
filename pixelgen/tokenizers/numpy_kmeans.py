"""The palette of k colours with the least squared error, by k-means on all pixels, in NumPy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from pixelgen.data.alpha import to_channels
from pixelgen.data.colour_spaces import SpaceName, colour_space
from pixelgen.errors import TokenizerError
from pixelgen.options import Options as BaseOptions
from pixelgen.tokenizers.assignment import ArrayDevice
from pixelgen.tokenizers.dither import DitherName
from pixelgen.tokenizers.histogram import ColourHistogram
from pixelgen.tokenizers.kmeans import Clustering, Settings, cluster
from pixelgen.tokenizers.numpy_assignment import NUMPY
from pixelgen.tokenizers.palette_tokenizer import PaletteTokenizer
from pixelgen.tokenizers.pictures import check_picture
from pixelgen.tokenizers.seeding import InitName


class NumpyKMeans(PaletteTokenizer):
    """Learns a palette by exact k-means over every distinct colour with its count.

    Attributes:
        clustering: what k-means found, its centres not yet rounded to 8 bits; None before `fit`,
            after `load`, and where the pictures have no more colours than asked for.
    """

    class Options(BaseOptions):
        """Options of the k-means quantizers."""

        colors: int = Field(1000, ge=1, le=65_536, description="colours in the palette")
        space: SpaceName = Field("srgb", description="where distance between colours is measured")
        init: InitName = Field("auto", description="how the first centres are found")
        max_iterations: int = Field(
            50, ge=1, le=10_000, description="passes over all cells, then over all colours, at most"
        )
        tolerance: float = Field(
            2e-3, ge=0, le=1, description="end when five passes take away less of the squared error"
        )
        restarts: int = Field(1, ge=1, le=100, description="independent starts, the best is kept")
        dither: DitherName = Field("none", description="how areas keep their mean colour")
        alpha: Literal["auto", "keep", "white"] = Field(
            "auto",
            description="transparency: part of a colour where pictures have it, always, or laid "
            "on white",
        )

    kind = "numpy-kmeans"

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        super().__init__(options, device=device)
        self.clustering: Clustering | None = None
        self._histogram: ColourHistogram | None = None

    def fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn the palette of pictures (H, W, 3 or 4) uint8, of any sizes; return self.

        Raises:
            TokenizerError: there are no pictures, or one of them is none.
        """
        self._histogram = None
        self._palette = None
        return self.partial_fit(images, seed=seed)

    def partial_fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn the palette of all pictures so far; keeps a histogram of colours, and no pixels.

        Raises:
            TokenizerError: there are no pictures, one of them is none, or this tokenizer was
                loaded and so has no histogram to add to.
        """
        if self._palette is not None and self._histogram is None:
            raise TokenizerError(
                "a loaded palette cannot learn more",
                where=f"partial_fit of {self.kind}",
                remedy="Its colour counts are not kept in the file: call fit with all pictures",
            )
        for image in images:
            self._count(check_picture(image, f"fit of {self.kind}"))
        if self._histogram is None:
            raise TokenizerError(
                "no pictures to learn from",
                where=f"fit of {self.kind}",
                remedy="Give at least one picture",
            )
        self._learn(self._histogram, seed)
        return self

    def _count(self, picture: np.ndarray) -> None:
        asked = self.options.alpha
        if self._histogram is None:
            channels = {"keep": 4, "white": 3, "auto": picture.shape[2]}[asked]
            self._histogram = ColourHistogram(channels)
        elif asked == "auto" and picture.shape[2] > self._histogram.channels:
            self._histogram = self._histogram.with_alpha()
        self._histogram.add([to_channels(picture, self._histogram.channels)])

    def _array_device(self) -> ArrayDevice:
        """Return where the clustering is computed."""
        return NUMPY

    def _learn(self, histogram: ColourHistogram, seed: int) -> None:
        options = self.options
        space = colour_space(options.space)
        self.notes = []
        self.clustering = None
        colours = histogram.colours
        if len(colours) > options.colors:
            settings = Settings(
                init=options.init,
                max_iterations=options.max_iterations,
                tolerance=options.tolerance,
                restarts=options.restarts,
            )
            self.clustering = cluster(
                histogram, space, options.colors, settings, seed=seed, device=self._array_device()
            )
            colours = np.unique(space.colours(self.clustering.centres), axis=0)
        if len(colours) < options.colors:
            self.notes.append(
                f"{len(colours)} colours in place of {options.colors}: the pictures have "
                f"{'no more' if self.clustering is None else 'too few that differ'}"
            )
        self.set_palette(by_lightness(colours))


def by_lightness(colours: np.ndarray) -> np.ndarray:
    """Return distinct colours (n, 3 or 4) uint8 from dark to light, what is transparent first."""
    weights = np.array([2126, 7152, 722])  # Rec. 709's luma
    luma = colours[:, :3].astype(np.int64) @ weights
    alpha = colours[:, 3:].T.astype(np.int64)
    return colours[np.lexsort((*colours.T, luma, *alpha))]

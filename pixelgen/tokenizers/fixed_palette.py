"""A palette that somebody chose: from a file, or known by its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, field_validator

from pixelgen.data.colour_spaces import SpaceName
from pixelgen.errors import TokenizerError, did_you_mean
from pixelgen.options import Options as BaseOptions
from pixelgen.tokenizers.dither import DitherName
from pixelgen.tokenizers.named_palettes import NAMES, named_palette
from pixelgen.tokenizers.palette_file import ENDINGS, read_palette
from pixelgen.tokenizers.palette_tokenizer import PaletteTokenizer
from pixelgen.untrusted import is_file, user_path


class FixedPalette(PaletteTokenizer):
    """Paints with a given palette; its colours keep their order."""

    class Options(BaseOptions):
        """Options of fixed-palette."""

        palette: str = Field(
            "pico-8",
            description=f"one of {', '.join(NAMES)}, or a file: {', '.join(ENDINGS)}",
        )
        space: SpaceName = Field("oklab", description="where the nearest colour is sought")
        dither: DitherName = Field("none", description="how areas keep their mean colour")

        @field_validator("palette")
        @classmethod
        def _known_from_any_folder(cls, value: str) -> str:
            """A recipe is repeated from other folders than it was written in."""
            path = user_path(value)
            return str(path.resolve()) if value not in NAMES and is_file(path) else value

    kind = "fixed-palette"

    def fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Read the palette; the pictures are not looked at.

        Raises:
            TokenizerError: there is no such palette, or its file cannot be read.
        """
        name = self.options.palette
        if name in NAMES:
            self.set_palette(named_palette(name))
        elif Path(name).suffix.lower() in ENDINGS:
            self.set_palette(read_palette(user_path(name)))
        else:
            raise TokenizerError(
                f"no palette is called {name!r}",
                where="option palette of fixed-palette",
                remedy=f"{did_you_mean(name, NAMES)}Known are {', '.join(NAMES)}, "
                f"and files that end in {', '.join(ENDINGS)}",
            )
        return self

    def partial_fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Read the palette, as `fit` does."""
        return self.fit(images, seed=seed)

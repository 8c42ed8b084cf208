"""What all quantizers share once they have a palette: encoding, decoding, saving, loading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from pixelgen.data.alpha import to_channels
from pixelgen.data.colour_spaces import SpaceName, colour_space
from pixelgen.errors import OptionError, TokenizerError
from pixelgen.options import parse_options
from pixelgen.tokenizers.contents import FILE, damaged, read_contents, write_contents
from pixelgen.tokenizers.dither import dither
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.tokenizers.nearest import NearestColour
from pixelgen.tokenizers.pictures import stack_pictures

FORMAT = 1


class PaletteTokenizer(Tokenizer):
    """A tokenizer whose tokens are single pixels of one colour each.

    A subclass names its `kind`, makes the palette, in `fit` or before, and hands it to
    `set_palette`. Options that are looked for, where the subclass has them: `space` (`SpaceName`)
    and `dither` (`DitherName`: none, floyd-steinberg or blue-noise).
    """

    kind: ClassVar[str]
    """The name in the file that `save` writes; another kind's file is refused."""

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        super().__init__(options, device=device)
        self._palette: np.ndarray | None = None
        self._nearest: NearestColour | None = None

    @property
    def space(self) -> SpaceName:
        """The space in which the nearest colour is sought."""
        name: SpaceName = getattr(self.options, "space", "srgb")
        return name

    def set_palette(self, palette: np.ndarray) -> None:
        """Take the palette (V, 3 or 4) uint8, 1 to 65,536 colours."""
        self._palette = np.ascontiguousarray(palette)
        self._palette.flags.writeable = False
        self._nearest = NearestColour(self._palette, colour_space(self.space))

    @property
    def vocab_size(self) -> int:
        return len(self._fitted())

    @property
    def palette(self) -> np.ndarray:
        return self._fitted()

    def encode(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return the index of a colour for each pixel: (N, H, W) int32.

        It is the nearest, and of equally near ones the first, or what dithering makes of it. A
        picture with alpha is laid on white where the
        palette has none.

        Raises:
            TokenizerError: the tokenizer is not fitted, or these are no pictures of one size.
        """
        palette = self._fitted()
        pictures = to_channels(stack_pictures(images, f"encode of {self.kind}"), palette.shape[1])
        assert self._nearest is not None
        return dither(getattr(self.options, "dither", "none"), pictures, palette, self._nearest)

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Return the pictures (N, H, W, 3 or 4) uint8 of tokens (N, H, W).

        Raises:
            TokenizerError: the tokenizer is not fitted, or a token is outside the vocabulary.
        """
        palette = self._fitted()
        tokens = np.asarray(tokens)
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < len(palette)):
            raise TokenizerError(
                f"tokens from {tokens.min()} to {tokens.max()}",
                where=f"decode of {self.kind}",
                remedy=f"The vocabulary has {len(palette)} tokens, from 0 on",
            )
        return np.asarray(palette[tokens])

    def save(self, directory: Path) -> None:
        """Write `tokenizer.json`.

        Raises:
            TokenizerError: the tokenizer is not fitted.
        """
        palette = self._fitted()
        contents = {
            "options": self.options.model_dump(mode="json"),
            "channels": int(palette.shape[1]),
            "palette": [colour.tobytes().hex() for colour in palette],
            "notes": self.notes,
        }
        write_contents(directory, self.kind, FORMAT, contents)

    @classmethod
    def load(cls, directory: Path, *, device: str = "auto") -> Self:
        """Return the tokenizer that `save` wrote.

        Raises:
            RunUnreadable: the file is missing, damaged, or of another kind of tokenizer.
        """
        contents = read_contents(directory, cls.kind, FORMAT)
        try:
            options = parse_options(
                cls.Options, dict(contents["options"]), owner=f"tokenizer {cls.kind}"
            )
            palette = _read_palette(contents["palette"], contents["channels"])
            notes = [str(note) for note in contents["notes"]]
        except (OptionError, ValueError, TypeError, KeyError) as error:
            raise damaged(directory / FILE, str(error)) from error
        tokenizer = cls(options, device=device)
        tokenizer.notes = notes
        tokenizer.set_palette(palette)
        return tokenizer

    def _fitted(self) -> np.ndarray:
        if self._palette is None:
            raise TokenizerError(
                f"{self.kind} has no palette yet", remedy="Call fit with pictures, or load one"
            )
        return self._palette


def _read_palette(colours: Any, channels: Any) -> np.ndarray:
    if channels not in (3, 4):
        raise ValueError(f"{channels!r} channels")
    if not isinstance(colours, list) or not 1 <= len(colours) <= 1 << 16:
        raise ValueError("the palette is not a list of 1 to 65,536 colours")
    rows = [bytes.fromhex(colour) for colour in colours]
    if any(len(row) != channels for row in rows):
        raise ValueError(f"a colour is not {channels} bytes")
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, channels)

"""What a worker does with pictures that are encoded once: read, vary, encode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pixelgen.data.alpha import to_channels
from pixelgen.data.collection import pixels_key, usable
from pixelgen.data.material import Framing
from pixelgen.sources.interface import BadPicture, Picture, Unread
from pixelgen.tokenizers.interface import Tokenizer

Numbered = tuple[int, Unread]  # an item of the source and its number


@dataclass(frozen=True, eq=False)
class Encoded:
    """One picture on its way from a worker.

    Attributes:
        name, group: of the picture.
        key: 16 hexadecimal digits of a digest of its pixels as the source gave them.
        tokens: (1 + variants, gh, gw), the plain picture first.
    """

    name: str
    group: str
    key: str
    tokens: np.ndarray


@dataclass(frozen=True, eq=False)
class Recording:
    """How pictures become tokens in a worker.

    Attributes:
        framing: how they are brought to their size and varied.
        tokenizer: fitted.
        channels: 3, or 4 where transparency is kept.
        variants: varied copies of each.
        dtype: of the tokens.
    """

    framing: Framing
    tokenizer: Tokenizer
    channels: int
    variants: int
    dtype: str

    def __call__(self, items: Sequence[Numbered]) -> list[tuple[int, Encoded | BadPicture]]:
        """Read and encode some pictures; return what became of each by its number."""
        found = [(number, read_as(unread, self.channels)) for number, unread in items]
        copies = [
            copy
            for number, each in found
            if isinstance(each, Picture)
            for copy in self._copies(each.pixels, number)
        ]
        tokens = self.tokenizer.encode(np.stack(copies)).astype(self.dtype) if copies else None
        results: list[tuple[int, Encoded | BadPicture]] = []
        begin = 0
        for number, each in found:
            if isinstance(each, BadPicture) or tokens is None:
                results.append((number, each))  # type: ignore[arg-type]
                continue
            own = tokens[begin : begin + 1 + self.variants]
            begin += len(own)
            key = pixels_key(each.pixels).hex()[:16]
            results.append((number, Encoded(each.name, each.group, key, own)))
        return results

    def _copies(self, pixels: np.ndarray, number: int) -> Iterator[np.ndarray]:
        yield self.framing.plain(pixels)
        for variant in range(self.variants):
            yield self.framing.varied(pixels, variant, number)


def read_as(unread: Unread, channels: int) -> Picture | BadPicture:
    """Read a picture, and bring it to 3 channels, laid on white, or to 4."""
    found = usable(unread())
    if isinstance(found, BadPicture):
        return found
    pixels = np.ascontiguousarray(to_channels(found.pixels, channels))
    return Picture(found.name, pixels, found.group)

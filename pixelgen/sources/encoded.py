"""Sources of picture files that are not files: members of archives, cells of tables.

Such a source says where the next encoded picture is, and leaves the rest to this class: decoding in
threads, with the limits and the words that a folder's pictures have; shuffling; stopping early.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field

from pixelgen.data.reading import MOST_PIXELS, PILLOWS_LIMIT, EncodedPicture, read_entry
from pixelgen.errors import SourceError
from pixelgen.executors.local import Local
from pixelgen.options import Options as BaseOptions
from pixelgen.randomness import generator_for
from pixelgen.sources.interface import BadPicture, Picture, Source, Unread, read

Item = TypeVar("Item")


class EncodedOptions(BaseOptions):
    """What is taken of a stream of picture files."""

    alpha: bool = Field(False, description="keep transparency; otherwise it is laid on white")
    max_pixels: int = Field(
        MOST_PIXELS,
        ge=1,
        le=PILLOWS_LIMIT,
        description="width × height beyond which a picture is refused",
    )
    shuffle: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="mix the shards, and the pictures of so many that are held at a time, by the "
        "run's seed; 0 keeps their order",
    )
    limit: int | None = Field(None, ge=1, description="stop after so many pictures, good or bad")


class EncodedSource(Source):
    """A source of encoded pictures, of which a bounded number is in memory at a time.

    Attributes:
        example: how somebody runs it, for the error where no place was given.
        place: where the pictures are.
    """

    Options = EncodedOptions
    needs_location: ClassVar[bool] = True
    example: ClassVar[str]

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        super().__init__(options, location, seed=seed)
        if not location:
            raise SourceError(
                "no place of the pictures was given",
                where="in the place of the pictures",
                remedy=f"Name it: {self.example}",
            )
        self.place: str = location

    @abstractmethod
    def encoded(self) -> Iterator[EncodedPicture | BadPicture]:
        """Yield every picture as its file's bytes, in a fixed order, by names of their own.

        Go through shards in the order of `self.mixed(shards)`. What cannot be reached is a
        `BadPicture`.

        Raises:
            SourceError: nothing can be read at all.
        """

    def pictures(self, size: tuple[int, int]) -> Iterator[Picture | BadPicture]:
        """Yield the pictures, decoded ahead in threads.

        Raises:
            SourceError: nothing can be read at all.
        """
        yield from Local(Local.Options()).map(read, self.unread(size))

    def unread(self, size: tuple[int, int]) -> Iterator[Unread]:
        """Yield what decodes each picture; raises as `pictures`."""
        found: Iterable[EncodedPicture | BadPicture] = islice(self.encoded(), self.options.limit)
        if self.options.shuffle:
            found = _shuffled(found, self.options.shuffle, self._generator("pictures"))
        how = {"size": size, "alpha": self.options.alpha, "max_pixels": self.options.max_pixels}
        return (partial(read_entry, entry, **how) for entry in found)

    def mixed(self, shards: Sequence[Item]) -> list[Item]:
        """Return the shards in the order in which they are to be gone through.

        With a limit it is always the same: the seed decides on no more than the order of what is
        taken.
        """
        if not self.options.shuffle or self.options.limit is not None:
            return list(shards)
        return [shards[index] for index in self._generator("shards").permutation(len(shards))]

    def _generator(self, what: str) -> np.random.Generator:
        return generator_for(self.seed, f"source {what}")


def _shuffled(items: Iterable[Item], held: int, generator: np.random.Generator) -> Iterator[Item]:
    """Yield the items mixed: each time one of those held, whose place the next one takes."""
    kept: list[Item] = []
    for item in items:
        if len(kept) < held:
            kept.append(item)
            continue
        place = int(generator.integers(held))
        yield kept[place]
        kept[place] = item
    for place in generator.permutation(len(kept)):
        yield kept[place]

"""What a picture source is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from pixelgen.options import Options


@dataclass(frozen=True)
class Picture:
    """One picture as its source holds it.

    Attributes:
        name: unique within the source, such as a path relative to the folder.
        pixels: (H, W, 3) uint8 sRGB, or (H, W, 4) with straight alpha.
        group: the sub-folder or class, or an empty string.
    """

    name: str
    pixels: np.ndarray
    group: str = ""


@dataclass(frozen=True)
class BadPicture:
    """A picture that could not be read, and why; recorded in `run.json`."""

    name: str
    reason: str


Unread = Callable[[], Picture | BadPicture]  # reads one picture, here or in another process


class Source(ABC):
    """Where pictures come from.

    A source is made from its options and a location (a folder, a URL, or None), and can be
    iterated more than once, each time in the same order. Where there is a location, its seed may
    decide on the order of the pictures, and not on which they are.

    `pixelgen encode` keeps transparency only if the options have a true `alpha`.
    """

    Options: ClassVar[type[Options]] = Options
    needs_location: ClassVar[bool] = False

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        """Keep what was asked; read nothing yet.

        Raises:
            SourceError: the location is missing or cannot be read.
        """
        self.options: Any = options
        self.location = location
        self.seed = seed

    @abstractmethod
    def pictures(self, size: tuple[int, int]) -> Iterator[Picture | BadPicture]:
        """Yield the pictures in a fixed order; a bad one as a `BadPicture`, never as an exception.

        Args:
            size: (width, height) in pixels at which the run will use them. A source that makes
                or shrinks pictures may yield them at this size or larger; the core fits the rest.
        """

    def unread(self, size: tuple[int, int]) -> Iterator[Unread]:
        """Yield, in place of each of `pictures`, a function that reads it and can be pickled.

        A source of files overrides this, so that the workers of an executor decode them, and so
        that those which are passed over are not decoded at all.
        """
        return (partial(itself, picture) for picture in self.pictures(size))

    def length(self) -> int | None:
        """Return how many pictures there are, or None where that is not known beforehand."""
        return None


def read(unread: Unread) -> Picture | BadPicture:
    """Return what `unread` reads."""
    return unread()


def itself(picture: Picture | BadPicture) -> Picture | BadPicture:
    """Return a picture that has been read already; bound to it, this is its `Unread`."""
    return picture

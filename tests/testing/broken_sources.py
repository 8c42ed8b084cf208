"""Ways to break a source, and the checks of the kit that each is caught by."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mutation import Mistakes
from PIL import Image
from pydantic import Field

import pixelgen
from pixelgen.errors import SourceError
from pixelgen.sources.interface import BadPicture, Picture


class Sound(pixelgen.Source):
    """Every picture in a folder."""

    needs_location: ClassVar[bool] = True

    class Options(pixelgen.Options):
        most: int = Field(100, ge=1, description="how many are taken")

    def pictures(self, size):
        for path in self.paths():
            yield self.read(path)

    def length(self):
        return len(self.paths())

    def paths(self) -> list[Path]:
        folder = Path(self.location or "nowhere")
        if not folder.is_dir():
            raise SourceError(f"there is no folder {folder}", where="location")
        return sorted(folder.glob("*.png"))[: self.options.most]

    def read(self, path: Path) -> Picture | BadPicture:
        try:
            with Image.open(path) as opened:
                return Picture(path.name, np.array(opened.convert("RGB")))
        except OSError as error:
            return BadPicture(path.name, str(error))


def reading(change: Any) -> dict[str, Any]:
    """`read` with its good pictures changed."""

    def read(self, path):
        found = Sound.read(self, path)
        return found if isinstance(found, BadPicture) else change(found)

    return {"read": read}


TURNS = itertools.count(1)


def turned(self):
    """Each time the other way round."""
    return Sound.paths(self)[:: 1 - 2 * (next(TURNS) % 2)]


def global_shuffle(self, size):
    random.random()
    return Sound.pictures(self, size)


def once(self, size):
    if not hasattr(self, "given"):
        self.given = iter(list(Sound.pictures(self, size)))
    return self.given


def kept(self, size):
    if not hasattr(self, "all"):
        self.all = list(Sound.pictures(self, size))
    return iter(self.all)


def large(self, size):
    return Sound.pictures(self, size) if min(size) > 1 else iter(())


def raising(self, path):
    with Image.open(path) as opened:
        return Picture(path.name, np.array(opened.convert("RGB")))


def silent(self, size):
    return (each for each in Sound.pictures(self, size) if isinstance(each, Picture))


def unpicklable(self, size):
    return (lambda each=each: each for each in Sound.pictures(self, size))


def unread_backwards(self, size):
    return reversed(list(Sound.unread(self, size)))


def operating_system(self):
    return sorted(path for path in Path(self.location).iterdir())


MISTAKES = Mistakes("source", Sound)
MISTAKES.add(
    "no size taken",
    "any_size bad_pictures_are_named can_be_left_early class_is_complete length_is_true "
    "missing_location_is_said no_side_effects order_is_fixed unread_reads_the_same "
    "yields_pictures",
    pictures=lambda self: Sound.pictures(self, (1, 1)),
)
MISTAKES.add(
    "floats", "yields_pictures", **reading(lambda found: Picture(found.name, found.pixels / 255))
)
MISTAKES.add(
    "one name for all", "yields_pictures", **reading(lambda found: Picture("picture", found.pixels))
)
MISTAKES.add(
    "another order each time",
    "can_be_left_early no_side_effects order_is_fixed unread_reads_the_same",
    paths=turned,
)
MISTAKES.add("global random numbers", "no_side_effects", pictures=global_shuffle)
MISTAKES.add(
    "gone through once",
    "can_be_left_early no_side_effects order_is_fixed unread_reads_the_same",
    pictures=once,
)
MISTAKES.add("its own pictures handed out", "no_side_effects", pictures=kept)
MISTAKES.add("a length that is wrong", "length_is_true", length=lambda self: 3)
MISTAKES.add("no pictures of one pixel", "any_size", pictures=large)
MISTAKES.add(
    "a broken file raises",
    "any_size bad_pictures_are_named can_be_left_early length_is_true no_side_effects "
    "order_is_fixed unread_reads_the_same yields_pictures",
    read=raising,
)
MISTAKES.add(
    "a broken file is passed over", "bad_pictures_are_named length_is_true", pictures=silent
)
MISTAKES.add("the operating system's error", "missing_location_is_said", paths=operating_system)
MISTAKES.add("functions that cannot be pickled", "unread_reads_the_same", unread=unpicklable)
MISTAKES.add("unread in another order", "unread_reads_the_same", unread=unread_backwards)

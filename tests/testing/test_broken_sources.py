"""Each check of sources catches the source that it is there for, and what else it must."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from mutation import broken, failures, unproven
from PIL import Image
from pydantic import ConfigDict, Field

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


class Unchecked(Sound.Options):
    model_config = ConfigDict(extra="ignore")


class Undescribed(Sound.Options):
    other: int = 0


class Forgetful(Sound.Options):
    chosen: Any = Field((1, 2), description="a tuple, which TOML has not")


def reading(change: Any) -> dict[str, Any]:
    """`read` with its good pictures changed."""

    def read(self, path):
        found = Sound.read(self, path)
        return found if isinstance(found, BadPicture) else change(found)

    return {"read": read}


TURNS = itertools.count(1)


def turned(self):
    """Each time another is the first, and never the same twice in a row."""
    found, turn = Sound.paths(self), next(TURNS) % 3
    return found[turn:] + found[:turn]


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


def operating_system(self):
    return sorted(path for path in Path(self.location).iterdir())


TABLE: dict[str, tuple[type[Any], str]] = {}


def mistake(words: str, caught: str, **changes: Any) -> None:
    TABLE[words] = broken(Sound, **changes), caught


mistake("no docstring", "class_is_described", __doc__="")
mistake("an option without a description", "class_is_described", Options=Undescribed)
mistake("unknown options taken", "options_are_validated", Options=Unchecked)
mistake("a tuple for an option", "options_survive_a_recipe", Options=Forgetful)
mistake(
    "no size taken",
    "any_size bad_pictures_are_named can_be_left_early class_is_complete length_is_true "
    "missing_location_is_said no_side_effects order_is_fixed yields_pictures",
    pictures=lambda self: Sound.pictures(self, (1, 1)),
)
mistake(
    "floats", "yields_pictures", **reading(lambda found: Picture(found.name, found.pixels / 255))
)
mistake(
    "one name for all", "yields_pictures", **reading(lambda found: Picture("picture", found.pixels))
)
mistake("another order each time", "can_be_left_early no_side_effects order_is_fixed", paths=turned)
mistake("global random numbers", "no_side_effects", pictures=global_shuffle)
mistake("gone through once", "can_be_left_early no_side_effects order_is_fixed", pictures=once)
mistake("its own pictures handed out", "no_side_effects", pictures=kept)
mistake("a length that is wrong", "length_is_true", length=lambda self: 3)
mistake("no pictures of one pixel", "any_size", pictures=large)
mistake(
    "a broken file raises",
    "any_size bad_pictures_are_named can_be_left_early length_is_true no_side_effects "
    "order_is_fixed yields_pictures",
    read=raising,
)
mistake("a broken file is passed over", "bad_pictures_are_named length_is_true", pictures=silent)
mistake("the operating system's error", "missing_location_is_said", paths=operating_system)


def test_the_sound_one_passes() -> None:
    assert failures(Sound) == set()


@pytest.mark.parametrize("words", TABLE)
def test_a_mistake_is_caught(words: str) -> None:
    mutant, caught = TABLE[words]
    assert failures(mutant) == set(caught.split())


def test_every_check_is_proven() -> None:
    assert unproven("source", TABLE) == set()

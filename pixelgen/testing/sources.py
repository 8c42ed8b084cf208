"""Checks of picture sources."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import numpy as np

from pixelgen.errors import PixelgenError
from pixelgen.sources.interface import BadPicture, Picture, Source
from pixelgen.testing.arrays import expect_array, expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.files import folder
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.pictures import write_toy_folder
from pixelgen.testing.subject import Subject

SIZE = (12, 10)  # width, height
ENOUGH = 4  # pictures looked at of a source that has many
MOST_COUNTED = 100


@contextmanager
def source(subject: Subject) -> Iterator[Source]:
    """Give a source: at the location that was said, or at a folder of toy pictures."""
    if subject.location is not None or not subject.type.needs_location:
        yield subject.type(subject.parsed(), subject.location, seed=1)
        return
    with folder() as directory:
        yield subject.type(subject.parsed(), str(write_toy_folder(directory)), seed=1)


def some(
    made: Source, size: tuple[int, int] = SIZE, most: int = ENOUGH
) -> list[Picture | BadPicture]:
    """Return the first few of a source's pictures."""
    return list(islice(made.pictures(size), most))


@check("source")
def check_yields_pictures(subject: Subject) -> None:
    """`pictures` yields `Picture`s, of (H, W, 3 or 4) uint8 pixels with a name that no other has
    and a group that is text, and `BadPicture`s with a reason; at least one is a `Picture`.

    What to do: convert to uint8 RGB; name a picture by its path or its number.
    """
    with source(subject) as made:
        found = some(made, most=MOST_COUNTED)
    for each in found[:ENOUGH]:
        if isinstance(each, BadPicture):
            if not (each.name and each.reason):
                raise Broken(f"a bad picture has the name {each.name!r} and reason {each.reason!r}")
            continue
        if not isinstance(each, Picture):
            raise Broken(f"pictures yields {type(each).__name__}, not Picture or BadPicture")
        pixels = expect_array(each.pixels, "a picture", shape=(None, None, None), dtype=np.uint8)
        if pixels.shape[2] not in (3, 4) or not pixels.size:
            raise Broken(f"picture {each.name!r} has the shape {pixels.shape}")
        if not (isinstance(each.name, str) and each.name and isinstance(each.group, str)):
            raise Broken(f"a picture has the name {each.name!r} and the group {each.group!r}")
    names = [each.name for each in found if isinstance(each, Picture)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Broken(f"two pictures have one name: {twice[0]!r}")
    if not names:
        raise Broken("pictures yields not a single picture")


@check("source")
def check_order_is_fixed(subject: Subject) -> None:
    """A source can be gone through more than once, each time with the same pictures in the same
    order; another of the same options, location and seed has the same ones.

    What to do: sort what a folder or a server lists; key random numbers by `self.seed`; do not hold
    an iterator that is used up.
    """
    with source(subject) as made:
        first, again = some(made), some(made)
        other = some(type(made)(made.options, made.location, seed=1))
    for what, second in (("again", again), ("from another source of the same seed", other)):
        if [each.name for each in first] != [each.name for each in second]:
            raise Broken(
                f"the pictures are {[each.name for each in first]}, and {what} "
                f"{[each.name for each in second]}"
            )
        for one, two in zip(first, second, strict=True):
            if isinstance(one, Picture) and isinstance(two, Picture):
                expect_equal(two.pixels, one.pixels, f"picture {one.name!r}, {what} and first")


@check("source")
def check_unread_reads_the_same(subject: Subject) -> None:
    """`unread` yields a function for each of `pictures`, in their order; it can be pickled, and
    reads that picture.

    What to do: leave `unread` to the base class; or yield `functools.partial` of a function at the
    top of a module.
    """
    with source(subject) as made:
        expected = some(made)
        for number, (unread, one) in enumerate(
            zip(islice(made.unread(SIZE), ENOUGH), expected, strict=True)
        ):
            try:
                two = pickle.loads(pickle.dumps(unread))()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                raise Broken(f"what reads picture {number} cannot be pickled: {error}") from error
            if two.name != one.name or isinstance(two, BadPicture) != isinstance(one, BadPicture):
                raise Broken(f"picture {number} is {one.name!r}, and unread reads {two.name!r}")
            if isinstance(one, Picture):
                expect_equal(two.pixels, one.pixels, f"picture {one.name!r}, unread and read")


@check("source")
def check_length_is_true(subject: Subject) -> None:
    """`length` is the number of pictures that are yielded, bad ones too; or None where that is not
    known beforehand.

    What to do: return None if you are not sure.
    """
    with source(subject) as made:
        length = made.length()
        if length is None:
            return
        if isinstance(length, bool) or not isinstance(length, int):
            raise Broken(f"length returns {length!r}")
        most = min(length, MOST_COUNTED) + 1
        count = len(some(made, (2, 2), most))
    if count != min(length, most):
        more = "more" if count > length else str(count)
        raise Broken(f"length is {length}, and there are {more} pictures")


@check("source")
def check_any_size(subject: Subject) -> None:
    """A source takes any size that a run may have, a single pixel too, tall or wide.

    What to do: take `size` as (width, height); yield pictures at this size or larger.
    """
    with source(subject) as made:
        for size in ((1, 1), (3, 40), (40, 3)):
            if not any(isinstance(each, Picture) for each in made.pictures(size)):
                raise Broken(f"at the size {size} there is not a single picture")


@check("source")
def check_can_be_left_early(subject: Subject) -> None:
    """Whoever has enough pictures stops asking, and the source can be gone through again.

    What to do: close files in a `finally`, which a generator reaches when it is closed.
    """
    with source(subject) as made:
        pictures = iter(made.pictures(SIZE))
        first = next(pictures)
        close = getattr(pictures, "close", None)
        if close is not None:
            close()
        if some(made)[0].name != first.name:
            raise Broken("left early, the source begins with another picture the next time")


@check("source")
def check_bad_pictures_are_named(subject: Subject) -> None:
    """A file that is no picture is yielded as a `BadPicture` with its name and the reason, and the
    others are yielded too. (Asked of sources that need a location, with a folder of the kit's.)

    What to do: catch what the decoder raises, for each picture by itself.
    """
    if subject.location is not None or not subject.type.needs_location:
        return
    with source(subject) as made:
        found = list(made.pictures(SIZE))
    bad = [each.name for each in found if isinstance(each, BadPicture)]
    if len(bad) != 1 or "broken" not in bad[0]:
        raise Broken(f"of three pictures and a broken file, bad are {bad}")
    if len(found) != 4:
        raise Broken(f"of three pictures and a broken file, {len(found)} are yielded")


@check("source")
def check_missing_location_is_said(subject: Subject) -> None:
    """A source that needs a location raises `SourceError` where it has none, or one that is not
    there: when it is made, or at the first picture.

    What to do: raise `SourceError(what, where=…, remedy=…)` and not `FileNotFoundError`.
    """
    if not subject.type.needs_location:
        return
    for location in (None, "/surely/not/there"):
        try:
            list(islice(subject.type(subject.parsed(), location, seed=1).pictures(SIZE), 1))
        except PixelgenError:
            continue
        raise Broken(f"the location {location!r} is taken without a word")


@check("source")
def check_no_side_effects(subject: Subject) -> None:
    """Going through the pictures prints nothing and changes no state that the process shares; and
    who changes a picture's pixels does not change the source.

    What to do: use a generator of your own; yield a copy of what you keep.
    """
    with source(subject) as made:
        with unchanged("a source"):
            before = some(made)
        kept = [each.pixels.copy() for each in before if isinstance(each, Picture)]
        for each in before:
            if isinstance(each, Picture) and each.pixels.flags.writeable:
                each.pixels[:] = 77
        after = [each.pixels for each in some(made) if isinstance(each, Picture)]
    for number, (was, became) in enumerate(zip(kept, after, strict=True)):
        expect_equal(became, was, f"picture {number}, after its pixels were changed and before")

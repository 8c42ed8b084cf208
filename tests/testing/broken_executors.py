"""Ways to break an executor, and the checks of the kit that each is caught by."""

from __future__ import annotations

import itertools
import os

from mutation import Mistakes, broken
from pydantic import Field

import pixelgen

CALLS = itertools.count()


class Sound(pixelgen.Executor):
    """One after the other."""

    class Options(pixelgen.Options):
        workers: int = Field(1, description="of no effect")

    def map(self, function, items, *, progress=None):
        for number, item in enumerate(items, 1):
            result = function(item)
            if progress is not None:
                progress(number)
            yield result


def backwards(self, function, items, *, progress=None):
    head = []
    for item in items:
        head.append(item)
        if len(head) == 2:
            yield from Sound.map(self, function, reversed(head), progress=None)
            head = []
    yield from Sound.map(self, function, head, progress=progress)


def eager(self, function, items, *, progress=None):
    waiting = iter(items)
    first = next(waiting)
    yield from Sound.map(self, function, [first, *waiting], progress=progress)


def needs_one(self, function, items, *, progress=None):
    waiting = iter(items)
    try:
        first = next(waiting)
    except StopIteration:
        raise ValueError("nothing to do") from None

    def all_items():
        yield first
        yield from waiting

    yield from Sound.map(self, function, all_items(), progress=progress)


def as_text(self, function, items, *, progress=None):
    for number, item in enumerate(items, 1):
        result = function(item if isinstance(item, int) else item.astype(float) + 0.5)
        if progress is not None:
            progress(number)
        yield result


def swallowing(self, function, items, *, progress=None):
    for number, item in enumerate(items, 1):
        try:
            result = function(item)
        except pixelgen.PixelgenError:
            raise
        except Exception as error:
            if type(error).__name__ == "Broken":
                raise
            raise RuntimeError("something failed") from error
        if progress is not None:
            progress(number)
        yield result


def silent(self, function, items, *, progress=None):
    return Sound.map(self, function, items)


def once(self, function, items, *, progress=None):
    if getattr(self, "used", False):
        raise RuntimeError("used up")
    self.used = True
    return Sound.map(self, function, items, progress=progress)


def setting(self, function, items, *, progress=None):
    os.environ["WORKERS_OF_A_TEST"] = str(next(CALLS))
    return Sound.map(self, function, items, progress=progress)


ALL = (
    "results_are_in_order no_items_no_results functions_and_arrays_travel "
    "errors_come_at_their_item progress_is_told items_are_taken_as_needed can_be_used_again "
    "no_side_effects"
)
MISTAKES = Mistakes("executor", Sound)
MISTAKES |= {
    "no method": (
        type("Empty", (pixelgen.Executor,), {"__doc__": "Nothing."}),
        f"class_is_complete {ALL}",
    ),
    "results in pairs, backwards": (
        broken(Sound, map=backwards),
        "results_are_in_order errors_come_at_their_item progress_is_told "
        "items_are_taken_as_needed can_be_used_again functions_and_arrays_travel",
    ),
    "all items taken at once": (
        broken(Sound, map=eager),
        "items_are_taken_as_needed no_items_no_results",
    ),
    "an error without items": (broken(Sound, map=needs_one), "no_items_no_results"),
    "arrays changed on the way": (broken(Sound, map=as_text), "functions_and_arrays_travel"),
    "errors of another type": (
        broken(Sound, map=swallowing),
        "errors_come_at_their_item can_be_used_again",
    ),
    "no progress": (broken(Sound, map=silent), "progress_is_told"),
    "for one use": (broken(Sound, map=once), "can_be_used_again"),
    "an environment variable set": (broken(Sound, map=setting), "no_side_effects"),
}

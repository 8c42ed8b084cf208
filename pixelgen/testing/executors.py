"""Checks of executors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from pixelgen.executors.interface import Executor
from pixelgen.testing.arrays import expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.subject import Subject

FAILING = 3  # the item over which `failing` raises
MOST_AHEAD = 10_000


class ChoreError(Exception):
    """Raised by a chore; it has to come back as itself."""


def square(number: int) -> int:
    """A chore that other processes can import."""
    return number * number


def uneven(number: int) -> int:
    """A chore that takes the longer the smaller the number."""
    return number + 0 * sum(range(20_000 // (number + 1)))


def failing(number: int) -> int:
    """A chore that raises over one item."""
    if number == FAILING:
        raise ChoreError(f"item {number}")
    return number


def scaled(factor: int, array: np.ndarray) -> np.ndarray:
    """A chore with an argument bound beforehand, on arrays."""
    return array * factor


def executor(subject: Subject) -> Executor:
    """Return a new executor."""
    made: Executor = subject.type(subject.parsed())
    return made


@check("executor")
def check_results_are_in_order(subject: Subject) -> None:
    """`map` yields `function(item)` for every item, in the order of the items, however long each
    takes and however many there are.

    What to do: yield the first result when it is there, not whichever is there first.
    """
    for count in (1, 2, 50):
        found = list(executor(subject).map(uneven, range(count)))
        if found != list(range(count)):
            raise Broken(f"of {count} items the results are {found[:10]}")


@check("executor")
def check_no_items_no_results(subject: Subject) -> None:
    """Without items there are no results, and no error.

    What to do: do not ask for the first item before there is one.
    """
    found = list(executor(subject).map(square, []))
    if found:
        raise Broken(f"without items the results are {found}")


@check("executor")
def check_functions_and_arrays_travel(subject: Subject) -> None:
    """Anything that can be pickled can be spread: functions with bound arguments, NumPy arrays.

    What to do: send function and items as they are; do not write them as text.
    """
    items = [np.arange(5, dtype=np.int32) + number for number in range(6)]
    found = list(executor(subject).map(partial(scaled, 3), items))
    for number, (item, result) in enumerate(zip(items, found, strict=True)):
        expect_equal(np.asarray(result), item * 3, f"result {number}")


@check("executor")
def check_errors_come_at_their_item(subject: Subject) -> None:
    """What the function raises is raised by `map`, as the same type, at its item: the results
    before it are yielded first.

    What to do: keep an item's exception until its turn comes, then raise it.
    """
    results = executor(subject).map(failing, range(8))
    found = []
    try:
        for result in results:
            found.append(result)
    except ChoreError as error:
        if f"item {FAILING}" not in str(error):
            raise Broken(f"the error says {error!s}") from None
    else:
        raise Broken("the function raises, and map does not")
    if found != list(range(FAILING)):
        raise Broken(f"before the error at item {FAILING} the results are {found}")


@check("executor")
def check_progress_is_told(subject: Subject) -> None:
    """`progress` is called after each item with the number of finished ones: 1, 2, 3 …

    What to do: call it where you yield, from the thread that asked.
    """
    told: list[int] = []
    list(executor(subject).map(square, range(5), progress=told.append))
    if told != [1, 2, 3, 4, 5]:
        raise Broken(f"of five items progress was told {told}")


@check("executor")
def check_items_are_taken_as_needed(subject: Subject) -> None:
    """At most a bounded number of items is taken ahead of what was yielded, so that endless items
    can be mapped; whoever has enough results can stop.

    What to do: take the next item when a result is yielded; do not call `list(items)`.
    """
    taken = itertools.count()

    def endless() -> Iterator[int]:
        for number in itertools.count():
            if next(taken) > MOST_AHEAD:
                raise Broken(f"{MOST_AHEAD} items are taken before five results are yielded")
            yield number

    results: Any = executor(subject).map(square, endless())
    found = list(itertools.islice(results, 5))
    if found != [0, 1, 4, 9, 16]:
        raise Broken(f"the first results are {found}")
    close = getattr(results, "close", None)
    if close is not None:
        close()


@check("executor")
def check_can_be_used_again(subject: Subject) -> None:
    """An executor maps as often as it is asked, after an error too, and two maps at the same time.

    What to do: make what a map needs (a pool, a queue) in `map`, or keep it usable.
    """
    made = executor(subject)
    try:
        list(made.map(failing, range(8)))
    except ChoreError:
        pass
    one, two = made.map(square, range(4)), made.map(uneven, range(4))
    found = list(zip(one, two, strict=True))
    if found != [(number * number, number) for number in range(4)]:
        raise Broken(f"two maps at the same time yield {found}")


@check("executor")
def check_no_side_effects(subject: Subject) -> None:
    """Mapping prints nothing, changes no state that the process shares, and does not write into the
    items.

    What to do: set environment variables for workers alone.
    """
    items = [np.arange(4, dtype=np.int32) for _ in range(3)]
    with unchanged("an executor"):
        list(executor(subject).map(partial(scaled, 2), items))
    for item in items:
        expect_equal(item, np.arange(4, dtype=np.int32), "an item after map and before")

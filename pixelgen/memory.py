"""Doing in smaller parts what memory does not suffice for at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from pixelgen.errors import OutOfMemory

Result = TypeVar("Result")


def is_memory_error(error: Exception) -> bool:
    """Whether it is Python's own error, which CuPy's is one of."""
    return isinstance(error, MemoryError)


def in_parts(
    work: Callable[[slice], Result],
    count: int,
    at_once: int,
    ran_out: Callable[[Exception], bool] = is_memory_error,
    remedy: str = "Lower what takes memory: --size, --colors, -o model.hidden",
) -> Iterator[Result]:
    """Yield the results of work on `count` things, `at_once` at a time, in order.

    Where memory does not suffice, half as many are tried, down to a single one.

    Args:
        work: does some of it; what it returns does not depend on how it is cut.
        count: of things.
        at_once: at most so many.
        ran_out: whether an error is about a lack of memory.
        remedy: what to do where memory does not suffice for a single one.

    Raises:
        OutOfMemory: not even then.
    """
    begin = 0
    while begin < count:
        some = slice(begin, min(begin + at_once, count))
        try:
            result = work(some)
        except Exception as error:
            if not ran_out(error):
                raise
            tried = some.stop - begin
            if tried == 1:
                raise OutOfMemory(
                    "memory does not suffice even for one at a time",
                    where=str(error) or type(error).__name__,
                    remedy=remedy,
                ) from error
            at_once = tried // 2
        else:
            yield result
            begin = some.stop

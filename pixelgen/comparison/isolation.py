"""Work in a process of its own, so that what it loads or holds cannot disturb what comes after."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from pixelgen.errors import ExecutorError
from pixelgen.interrupts import ignore_interrupts, unheard_by_children

Given = ParamSpec("Given")
Result = TypeVar("Result")


def apart(
    function: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs
) -> Result:
    """Call an importable function in a new process and return its result, or raise what it raised.

    When this returns, the process has ended, and memory that it held, on a GPU too, is free.

    Raises:
        ExecutorError: the process died.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=ignore_interrupts) as pool:
        try:
            with unheard_by_children():
                future = pool.submit(function, *arguments, **named)
            return future.result()
        except BrokenProcessPool as death:
            raise ExecutorError(
                f"the process that was to {function.__name__} died",
                where=f"in {function.__module__}",
                remedy="It was out of memory, most likely: take smaller pictures or models. A "
                'script that compares needs `if __name__ == "__main__":`',
            ) from death

"""Work on pieces of an array, side by side: NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux, where a container or taskset may set fewer
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
    """Return the function's result of each piece, in order; the function must not spread itself."""
    if len(pieces) < 2 or cores() < 2:
        return [function(piece) for piece in pieces]
    return list(_pool(os.getpid()).map(function, pieces))


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of a process, which are not there in one that was forked from it."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="pixelgen")

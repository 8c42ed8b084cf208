"""Work on pieces of an array, side by side: NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_limiting = threading.Lock()
_limits: list[Any] = []  # of products' threads, in force one upon the other


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


@contextmanager
def one_thread_a_product() -> Iterator[None]:
    """Let each matrix product of NumPy take one thread, where work is spread over threads already.

    Otherwise each of them wants all cores, and they wait for one another. For the whole process,
    until the last of the threads that asked for it has done.
    """
    with _limiting:
        _limits.append(_controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _limiting:
            # The first has what there was before, and so is the last to be undone.
            _limits.pop().restore_original_limits()


@cache
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of a process, which are not there in one that was forked from it."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="pixelgen")

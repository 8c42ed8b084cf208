"""No workers: one piece of work after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pixelgen.executors.interface import Executor, Item, Result
from pixelgen.options import Options as BaseOptions


class Serial(Executor):
    """Does the work here, one item after the other: the plain loop that others are compared with.

    An error shows itself where it happens, with its whole traceback.
    """

    class Options(BaseOptions):
        """There are none."""

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(item)` for every item; each is taken when its result is asked for."""
        for finished, item in enumerate(items, start=1):
            result = function(item)
            if progress is not None:
                progress(finished)
            yield result

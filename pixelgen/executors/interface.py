"""What an executor is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from pixelgen.options import Options

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(ABC):
    """How independent pieces of work are spread over threads, processes or machines.

    A run makes several of the same options, closes none, and calls `map` from other threads than
    the main one as well, sometimes at once. So what is costly is made at first use, once a process.
    Items are taken in the thread that asks for results.
    """

    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any) -> None:
        self.options: Any = options

    @abstractmethod
    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(item)` for every item, in the order of the items.

        The results are the same whatever the number of workers. At most a bounded number of items
        is taken ahead of what was yielded. What `function` raises is raised here, at its item.

        Args:
            function: a function that can be pickled, of one argument.
            items: what to apply it to.
            progress: called with the number of finished items after each.
        """

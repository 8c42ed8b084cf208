"""Threads or processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor as Pool
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Literal

from pydantic import Field

from pixelgen.errors import ExecutorError
from pixelgen.executors.interface import Executor, Item, Result
from pixelgen.interrupts import ignore_interrupts, unheard_by_children
from pixelgen.options import Options as BaseOptions
from pixelgen.threads import cores

LOOK_AHEAD = 3  # items taken in advance, for each worker


class Local(Executor):
    """Spreads work over threads (the default), over processes, or does it one after the other.

    Threads suit work that leaves Python for most of its time, such as decoding and resizing
    pictures. Processes suit work in Python itself; they are started afresh (`spawn`), so that the
    function must be importable, and a script that uses them needs `if __name__ == "__main__":`.
    """

    class Options(BaseOptions):
        """How many workers of which kind."""

        workers: int = Field(0, ge=0, le=1024, description="how many; 0 takes one for each core")
        kind: Literal["threads", "processes", "serial"] = Field(
            "threads", description="what a worker is; serial works without any"
        )
        retries: int = Field(
            1, ge=0, le=100, description="how often an item is tried again after its process died"
        )

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(item)` for every item, in order; as `Executor.map` says.

        When the iteration ends early, by an exception, Ctrl-C or `close()`, items that were not
        begun are dropped, and workers end with the items that they have.

        Raises:
            ExecutorError: a process died at an item, and did again at each of its retries.
        """
        for finished, result in enumerate(self._results(function, items), start=1):
            if progress is not None:
                progress(finished)
            yield result

    def _results(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        workers = self.options.workers or cores()
        if self.options.kind == "processes":
            yield from _ProcessMap(function, workers, self.options.retries).results(items)
        elif self.options.kind == "threads" and workers > 1:
            yield from _in_threads(function, items, workers)
        else:
            yield from map(function, items)


def _in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pixelgen")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= LOOK_AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class _Task(Generic[Item, Result]):
    """An item on its way: its number, how often a process died over it, and its future."""

    number: int
    item: Item
    future: Future[Result]
    deaths: int = 0


class _ProcessMap(Generic[Item, Result]):
    """A map over processes that survives the death of one.

    Which item killed a process cannot be known when several were under way. So those are tried
    again one at a time: an item that dies alone is the culprit.
    """

    def __init__(self, function: Callable[[Item], Result], workers: int, retries: int) -> None:
        # Sent to each process once, with whatever arrays are bound to it, and not with each item.
        self.function = pickle.dumps(function, protocol=5)
        self.workers = workers
        self.retries = retries
        self.pool = self._new_pool()
        self.waiting: deque[_Task[Item, Result]] = deque()

    def results(self, items: Iterable[Item]) -> Iterator[Result]:
        ended = False
        try:
            for number, item in enumerate(items):
                self._submit(number, item)
                if len(self.waiting) >= LOOK_AHEAD * self.workers:
                    yield self._first_result()
            while self.waiting:
                yield self._first_result()
            ended = True
        finally:
            # Idle processes are waited for: Python complains where it ends at the same moment.
            self.pool.shutdown(wait=ended, cancel_futures=True)

    def _submit(self, number: int, item: Item) -> None:
        try:
            future = self._begin(item)
        except BrokenProcessPool as death:  # a process has died since the last result
            future = Future()
            future.set_exception(death)
        self.waiting.append(_Task(number, item, future))

    def _begin(self, item: Item) -> Future[Result]:
        with unheard_by_children():  # it may start a process
            return self.pool.submit(_call, item)

    def _first_result(self) -> Result:
        task = self.waiting[0]
        while True:
            try:
                result = task.future.result()
            except BrokenProcessPool:
                self._recover()
                continue
            self.waiting.popleft()
            return result

    def _recover(self) -> None:
        """Try all that died with a process again, one item at a time, in new processes."""
        wait(task.future for task in self.waiting)  # a broken pool fails all that it has
        self._restart()
        for task in self.waiting:
            while isinstance(task.future.exception(), BrokenProcessPool):
                task.deaths += 1
                if task.deaths > self.retries:
                    raise _died(task.number, task.deaths) from task.future.exception()
                task.future = self._begin(task.item)
                if isinstance(task.future.exception(), BrokenProcessPool):
                    self._restart()

    def _restart(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pool = self._new_pool()

    def _new_pool(self) -> Pool:
        return ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self.function,),
        )


_function: Callable[[Any], Any]  # of a worker process


def _begin(pickled: bytes) -> None:
    """Take the function that this process will be given items for."""
    global _function
    ignore_interrupts()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _function = pickle.loads(pickled)
    except Exception as error:  # raised for the items, where somebody hears of it
        _function = partial(_fail, error)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed maybe: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(item: Any) -> Any:
    return _function(item)


def _fail(error: Exception, item: Any) -> Any:
    raise error


def _died(number: int, deaths: int) -> ExecutorError:
    # Only after it was tried alone is an item known to be the culprit.
    which = f"item {number}" if deaths > 1 else f"item {number} or one of the next"
    return ExecutorError(
        f"a worker process died over {which}, at attempt {deaths}",
        where="in executor local with kind 'processes'",
        remedy="It was out of memory, most likely: give fewer workers; or use kind 'serial', where "
        'an error shows itself. A script that starts processes needs `if __name__ == "__main__":`',
    )

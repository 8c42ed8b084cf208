"""`ray`: work spread over the workers of a Ray cluster."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody

import ray
from pydantic import Field, field_validator
from ray.exceptions import (
    ObjectLostError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

from pixelgen.errors import ExecutorError
from pixelgen.executors.interface import Executor, Item, Result
from pixelgen.options import Options as BaseOptions
from pixelgen.threads import cores

_connecting = threading.Lock()

LOOK_AHEAD = 3  # tasks under way or waiting, for each that can run at a time


class RayExecutor(Executor):
    """Runs each item as a Ray task.

    Without an address, a Ray of its own is started on this machine when it is first needed, and
    ends with the process. The function is sent once and shared by all tasks of a machine, whatever
    arrays are bound to it. A task whose worker dies is run again. Other machines of a cluster need
    the same packages installed.
    """

    class Options(BaseOptions):
        """Which Ray, and how much of it."""

        address: str | None = Field(
            None, description="of a running Ray to join: auto, HOST:PORT or ray://HOST:PORT"
        )
        workers: int = Field(
            0,
            ge=0,
            le=100_000,
            description="tasks at a time, as near as whole cores allow; 0 takes all cores",
        )
        cpus: float = Field(1.0, gt=0, le=1024, description="cores that a task occupies")
        gpus: float = Field(
            0.0,
            ge=0,
            le=64,
            description="GPUs that a task occupies: a share of one, or a whole number",
        )
        retries: int = Field(
            3, ge=0, le=100, description="how often a task is run again after its worker died"
        )

        @field_validator("gpus")
        @classmethod
        def _as_ray_takes_them(cls, value: float) -> float:
            if value > 1 and value != int(value):
                raise ValueError("above 1 it must be a whole number")
            return value

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(item)` for every item, in order; as `Executor.map` says.

        Raises:
            ExecutorError: Ray cannot be had, or a task has lost its worker too often.
        """
        return self._results(function, items, progress)

    def _results(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        progress: Callable[[int], None] | None,
    ) -> Iterator[Result]:
        self._connect()
        options = self.options
        at_once, each = _shares(_cores(), options.workers, options.cpus)
        self._check_room(each)
        task = ray.remote(_called).options(
            num_cpus=each,
            num_gpus=options.gpus,
            max_retries=options.retries,
            retry_exceptions=False,
        )
        shared = ray.put(function)
        waiting: deque[Any] = deque()
        finished = 0
        try:
            for item in items:
                if len(waiting) >= LOOK_AHEAD * at_once:
                    yield self._result(waiting.popleft(), finished)
                    finished = _told(progress, finished)
                waiting.append(task.remote([shared], item))  # in a list: not fetched for each
            while waiting:
                yield self._result(waiting.popleft(), finished)
                finished = _told(progress, finished)
        finally:
            for each in waiting:
                with suppress(RayError):  # of a cluster that is gone there is nothing to cancel
                    ray.cancel(each)

    def _check_room(self, cpus: float) -> None:
        """Raise `ExecutorError` if no task could ever begin; a cluster elsewhere may still grow."""
        if self.options.address:
            return
        there = ray.cluster_resources()  # type: ignore[no-untyped-call]
        for what, asked, unit in (
            ("cpus", cpus, "CPU"),
            ("gpus", self.options.gpus, "GPU"),
        ):
            if asked > there.get(unit, 0):
                raise ExecutorError(
                    f"a task asks for {asked:g} {unit}s, and there are {there.get(unit, 0):g}",
                    where=f"in executor.{what}, or executor.workers",
                    remedy=f"Give -o executor.{what} no more than there are",
                )

    def _connect(self) -> None:
        """Join or start a Ray, unless this process has one."""
        with _connecting:
            if not ray.is_initialized():
                self._begin()

    def _begin(self) -> None:
        address = self.options.address
        try:
            ray.init(
                address or "local",
                num_cpus=None if address else cores(),
                include_dashboard=None if address else False,
                namespace="pixelgen",
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except Exception as error:  # of the network, of gRPC, of Ray: of many kinds
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            what = f"Ray at {address!r} cannot be reached" if address else "Ray cannot be started"
            raise ExecutorError(
                f"{what}: {reason}",
                where="in executor.address" if address else "in executor ray",
                remedy="See whether it runs there: ray status --address …; or leave the address "
                "out to start one on this machine"
                if address
                else "Take another executor: --executor local",
            ) from error

    def _result(self, task: Any, number: int) -> Any:
        try:
            return pickle.loads(ray.get(task))
        except RayTaskError as error:  # what the function raised
            raise error.cause from None
        except (WorkerCrashedError, OutOfMemoryError, ObjectLostError) as death:
            tries = self.options.retries + 1
            raise ExecutorError(
                f"the worker of item {number} died, {tries} times"
                if tries > 1
                else f"the worker of item {number} died",
                where="in executor ray",
                remedy="It was out of memory, most likely: let a task occupy more cores, "
                "-o executor.cpus=2, so that fewer run at a time; or take --executor local with "
                "kind serial, where an error shows itself",
            ) from death
        except RayError as error:
            raise ExecutorError(
                f"Ray has lost item {number}: {str(error).strip().splitlines()[0]}",
                where="in executor ray",
                remedy="See whether all machines of the cluster are there: ray status",
            ) from error


def _cores() -> float:
    """How many cores the cluster has."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources.get("CPU", 1.0)


def _shares(cores: float, workers: int, cpus: float) -> tuple[int, float]:
    """How many tasks run at a time, and how many cores each occupies so that no more do.

    Ray takes whole numbers of cores above 1, so that a few more may run than were asked for.
    """
    if workers:
        cpus = max(cpus, cores / workers)
    if cpus > 1:
        cpus = float(int(cpus))
    return max(1, int(cores // cpus)), cpus


_functions: dict[str, Callable[[Any], Any]] = {}  # of a worker: the one that it was last given


def _called(shared: list[Any], item: Any) -> bytes:
    """A task: the result as bytes, so that its arrays are no views into Ray's memory.

    A worker keeps the function, with whatever it has made of it, from one task to the next.
    """
    name = shared[0].hex()
    if name not in _functions:
        _functions.clear()
        _functions[name] = ray.get(shared[0])
    return pickle.dumps(_functions[name](item), protocol=5)


def _told(progress: Callable[[int], None] | None, finished: int) -> int:
    if progress is not None:
        progress(finished + 1)
    return finished + 1

"""Painting by the workers of an executor, each of which opens the run for itself, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pixelgen.executors.interface import Executor

PICTURES_A_TASK = 32  # many are painted faster together; fewer keep all workers busy to the end


class Place(NamedTuple):
    """A run, as a worker opens it.

    Attributes:
        path: of the run, absolute.
        written: when its model was written, in nanoseconds: a worker that lives on opens it anew.
        device, model, model_options: as of `Run`; the options as JSON.
    """

    path: str
    written: int
    device: str | None
    model: str | None
    model_options: str


def paint_spread(
    executor: Executor,
    place: Place,
    pictures: range,
    asked: Mapping[str, Any],
    progress: Callable[[int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Paint pictures as `Run.sample` does, some by each worker, in order.

    Args:
        executor: whose workers paint.
        place: of the run, which every worker must be able to read.
        pictures: the numbers of the pictures.
        asked: what `Run.sample` takes besides the number, the first and the progress.
        progress: called with the number of pictures that are done.

    Yields:
        (M, H, W, 3 or 4) uint8.
    """
    if isinstance(asked.get("prime"), str | Path):  # a worker may have another working directory
        asked = {**asked, "prime": Path(asked["prime"]).resolve()}
    parts = [
        pictures[begin : begin + PICTURES_A_TASK]
        for begin in range(0, len(pictures), PICTURES_A_TASK)
    ]
    done = 0
    for painted in executor.map(partial(_painted, place, dict(asked)), parts):
        done += len(painted)
        if progress is not None:
            progress(done)
        yield painted


def _painted(place: Place, asked: Mapping[str, Any], pictures: range) -> np.ndarray:
    return _opened(place).sample(len(pictures), first=pictures.start, **asked)


@lru_cache(maxsize=2)
def _opened(place: Place) -> Any:
    from pixelgen.run import Run

    return Run(
        place.path,
        device=place.device,
        model=place.model,
        model_options=json.loads(place.model_options),
    )

"""The painting schedule: which cells can be painted together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pixelgen.data.scans import Scan, needs_previous, segment_starts
from pixelgen.data.segments import Memory
from pixelgen.memory import in_parts

STEPS_AT_ONCE = 1 << 16  # whose contexts are looked at together: some megabytes


@dataclass(frozen=True, eq=False)
class Schedule:
    """Groups of cells, each group painted at once.

    Attributes:
        waves: the cells of each step of painting, in scan order within a wave: a list of (M,)
            int32. Every cell that is painted stands in exactly one wave, after all that it depends
            on.
        segment: (P,) int32, by cell: which segment, and so which recurrent state, it belongs to.
        starts: (P,) bool, by cell: whether its segment begins there.
        segments: how many segments a picture has.
        done: (D,) int32, the cells that are given and come by in no wave.
    """

    waves: list[np.ndarray]
    segment: np.ndarray
    starts: np.ndarray
    segments: int
    done: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))


def make_schedule(
    scan: Scan,
    table: np.ndarray,
    memory: Memory,
    *,
    one_at_a_time: bool = False,
    done: int = 0,
    until: int | None = None,
) -> Schedule:
    """Work out the schedule of a scan.

    A cell is ready once its context's cells and, where the model has a memory, its predecessor in
    the segment are painted. A cell's wave is one more than the latest of theirs, so the number of
    waves is the length of the longest chain of dependence: 75 + 74 × 4 = 371 for a 75×75 raster
    with rows of memory and the `wide` context.

    Args:
        scan: the order.
        table: (P, n) the scan's context table.
        memory: how the model carries its state.
        one_at_a_time: paint in scan order, a cell a wave; the result is the same.
        done: how many of the first steps are given and left out: whole segments.
        until: the step before which to end, where what comes later is not wanted; None for all.
    """
    starts_by_step = segment_starts(scan, memory)
    starts = np.empty(scan.cells, bool)
    starts[scan.order] = starts_by_step
    segment = np.empty(scan.cells, np.int32)
    segment[scan.order] = np.cumsum(starts_by_step, dtype=np.int32) - 1
    walked = scan.order[done:until]
    if one_at_a_time or not len(walked):
        waves = [walked[step : step + 1] for step in range(len(walked))]
    else:
        chained = needs_previous(memory)
        wave = _waves(walked, table, starts_by_step[done:until], chained=chained)[walked]
        order = walked[np.argsort(wave, kind="stable")]
        waves = np.split(order, np.cumsum(np.bincount(wave))[:-1])
    return Schedule(waves, segment, starts, int(segment.max()) + 1, scan.order[:done])


def _waves(
    walked: np.ndarray, table: np.ndarray, starts: np.ndarray, *, chained: bool
) -> np.ndarray:
    """(P,) by cell: the wave in which it can be painted; -1 for the cells that are not walked.

    Where cell after cell waits for the one before it, as along a line, the i-th of them has the
    wave w_i = max(w_{i-1} + 1, r_i), where r_i is the first that its neighbours in other lines
    allow. So w_i - i is the running maximum of r_i - i, and a line is worked out whole.
    """
    wave = np.full(len(table) + 1, -1)  # the last entry is "outside", which is always done
    before, after = walked[:-1], walked[1:]
    waits = [  # whether a cell waits for the one before it; the first has none
        np.zeros(1, bool),
        *in_parts(
            lambda some: (table[after[some]] == before[some, None]).any(axis=1),
            len(after),
            STEPS_AT_ONCE,
        ),
    ]
    alone = ~np.concatenate(waits)
    if chained:
        alone &= starts
    for line in np.split(walked, np.flatnonzero(alone)[1:]):
        along = np.arange(len(line))
        ready = wave[table[line]].max(axis=1) + 1  # -1 for the line's own, as for none
        wave[line] = np.maximum.accumulate(ready - along) + along
    return wave[:-1]

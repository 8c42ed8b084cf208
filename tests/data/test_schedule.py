"""Cells painted together depend on none of each other, and no schedule could be shorter."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.scans import Scan, make_scan
from pixelgen.data.schedule import Schedule, make_schedule
from pixelgen.data.segments import SCANS, Memory

pytestmark = pytest.mark.usefixtures("small_pyramids")

SIDES = st.integers(1, 9)
SCAN = st.builds(make_scan, st.sampled_from(SCANS), st.tuples(SIDES, SIDES))
CONTEXT = st.sampled_from(["previous", "near", "wide", ((-1, 0),), ((0, -2), (-2, 1))])
MEMORY = st.sampled_from(["none", "row", "picture"])


def schedule_of(scan: Scan, context: Any, memory: Memory, **options: Any) -> Schedule:
    return make_schedule(scan, scan.context_table(scan.offsets(context)), memory, **options)


def dependences(scan: Scan, context: Any, memory: Memory) -> list[set[int]]:
    """The cells that each cell must wait for, straight from the definition."""
    waits = [{*row} - {scan.cells} for row in scan.context_table(scan.offsets(context)).tolist()]
    begins = {0} if memory == "picture" else {*scan.line_starts.tolist()}
    for step in range(1, scan.cells):
        if memory != "none" and step not in begins:
            waits[scan.order[step]].add(int(scan.order[step - 1]))
    return waits


@given(SCAN, CONTEXT, st.sampled_from(["none", "row"]), st.booleans(), st.data())
def test_given_lines_are_left_out_and_the_rest_waits_for_the_rest(
    scan: Scan, context: Any, memory: Memory, one_at_a_time: bool, data: st.DataObject
) -> None:
    done = data.draw(st.sampled_from([*scan.line_starts.tolist(), scan.cells]))
    schedule = schedule_of(scan, context, memory, one_at_a_time=one_at_a_time, done=done)
    assert schedule.done.tolist() == scan.order[:done].tolist()
    painted, waits = {*schedule.done.tolist()}, dependences(scan, context, memory)
    for wave in schedule.waves:
        assert len(wave)
        for cell in wave.tolist():
            assert waits[cell] <= painted
        painted |= {*wave.tolist()}
    assert len(painted) == scan.cells
    assert len(schedule.done) + sum(len(wave) for wave in schedule.waves) == scan.cells


@given(SCAN, CONTEXT, MEMORY, st.booleans())
def test_every_cell_is_painted_once(
    scan: Scan, context: Any, memory: Memory, one_at_a_time: bool
) -> None:
    waves = schedule_of(scan, context, memory, one_at_a_time=one_at_a_time).waves
    assert all(len(wave) and wave.dtype == np.int32 for wave in waves)
    assert sorted(np.concatenate(waves)) == list(range(scan.cells))


@given(SCAN, CONTEXT, MEMORY, st.booleans())
def test_a_cell_is_painted_after_its_neighbours_and_its_predecessor(
    scan: Scan, context: Any, memory: Memory, one_at_a_time: bool
) -> None:
    waits = dependences(scan, context, memory)
    painted: set[int] = set()
    for wave in schedule_of(scan, context, memory, one_at_a_time=one_at_a_time).waves:
        assert all(waits[cell] <= painted for cell in wave)
        painted |= set(wave.tolist())


@given(SCAN, CONTEXT, MEMORY)
def test_there_are_as_many_waves_as_the_longest_chain_has_cells(
    scan: Scan, context: Any, memory: Memory
) -> None:
    waits = dependences(scan, context, memory)

    @cache
    def chain(cell: int) -> int:
        return 1 + max((chain(other) for other in waits[cell]), default=0)

    longest = max(chain(int(cell)) for cell in scan.order)  # in order, so that chains stay shallow
    assert len(schedule_of(scan, context, memory).waves) == longest


@given(SCAN, CONTEXT, MEMORY)
def test_a_wave_goes_in_scan_order_and_holds_one_cell_of_a_state(
    scan: Scan, context: Any, memory: Memory
) -> None:
    schedule = schedule_of(scan, context, memory)
    for wave in schedule.waves:
        assert (np.diff(scan.steps[wave]) > 0).all()
        if memory != "none":
            assert len(set(schedule.segment[wave])) == len(wave)


@given(SCAN, CONTEXT, MEMORY)
def test_one_at_a_time_is_the_scan_itself(scan: Scan, context: Any, memory: Memory) -> None:
    schedule = schedule_of(scan, context, memory, one_at_a_time=True)
    assert [wave.tolist() for wave in schedule.waves] == [[cell] for cell in scan.order]
    together = schedule_of(scan, context, memory)
    assert (schedule.segment == together.segment).all()
    assert (schedule.starts == together.starts).all()


@given(SCAN, MEMORY)
def test_a_segment_starts_at_its_first_cell_in_scan_order(scan: Scan, memory: Memory) -> None:
    schedule = schedule_of(scan, "near", memory)
    segment, starts = schedule.segment[scan.order], schedule.starts[scan.order]
    assert segment.dtype == np.int32
    assert schedule.segments == (1 if memory == "picture" else len(scan.line_starts))
    assert (starts == (np.diff(segment, prepend=-1) == 1)).all()
    assert segment[-1] == schedule.segments - 1


# Hand-made counts: a row may begin once the row above is so many cells ahead.
@pytest.mark.parametrize(
    ("scan", "context", "memory", "waves"),
    [
        ("raster", "wide", "row", 75 + 74 * 4),
        ("raster", "near", "row", 75 + 74 * 2),
        ("column", "wide", "row", 75 + 74 * 4),
        ("raster", "wide", "picture", 75 * 75),
        ("raster", "previous", "row", 75 * 75),  # a row begins with the last cell of the one above
        ("raster", [(-1, 0)], "row", 75 + 74),
        ("raster", [(-1, 0)], "none", 75),
        # A serpentine's next row begins beside the end of the one above, so nothing is to be won.
        ("serpentine", "near", "none", 75 * 75),
        ("serpentine", [(-1, 0)], "row", 75 * 75),
        ("serpentine", [(-1, 0)], "none", 75),
    ],
)
def test_a_picture_of_75_by_75_takes_this_many_waves(
    scan: str, context: Any, memory: Memory, waves: int
) -> None:
    assert len(schedule_of(make_scan(scan, (75, 75)), context, memory).waves) == waves

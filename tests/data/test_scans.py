"""Every scan visits each cell once, and a context shows only what was visited before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.scans import NEAR, WIDE, Scan, make_scan, segment_starts
from pixelgen.data.segments import SCANS, Segments
from pixelgen.errors import OptionError

pytestmark = pytest.mark.usefixtures("small_pyramids")

SIDES = st.integers(1, 12)
OFFSET = st.tuples(st.integers(-3, 3), st.integers(-3, 3)).filter(lambda offset: offset != (0, 0))
CONTEXTS = st.sampled_from(["previous", "near", "wide"]) | st.lists(
    OFFSET, min_size=1, max_size=8, unique=True
)
SCAN = st.builds(make_scan, st.sampled_from(SCANS), st.tuples(SIDES, SIDES))


def table(scan: Scan, context: Any) -> np.ndarray:
    return scan.context_table(scan.offsets(context))


# -- orders --------------------------------------------------------------------------------------


@given(SCAN)
def test_every_scan_visits_each_cell_once(scan: Scan) -> None:
    assert scan.order.dtype == np.int32
    assert sorted(scan.order) == list(range(scan.grid[0] * scan.grid[1]))
    assert (scan.order[scan.steps] == np.arange(scan.cells)).all()


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("raster", [0, 1, 2, 3, 4, 5]),
        ("serpentine", [0, 1, 2, 5, 4, 3]),
        ("column", [0, 3, 1, 4, 2, 5]),
    ],
)
def test_two_rows_of_three_are_visited_in_this_order(name: str, order: list[int]) -> None:
    assert make_scan(name, (2, 3)).order.tolist() == order


@pytest.mark.parametrize("side", [1, 2, 4, 8, 16, 32])
def test_a_hilbert_curve_through_a_square_never_jumps(side: int) -> None:
    scan = make_scan("hilbert", (side, side))
    rows, columns = scan.rows[scan.order], scan.columns[scan.order]
    assert (np.abs(np.diff(rows)) + np.abs(np.diff(columns)) == 1).all()


def test_a_hilbert_curve_finishes_a_quarter_before_it_begins_the_next() -> None:
    scan = make_scan("hilbert", (8, 8))
    quarters = (scan.rows // 4 * 2 + scan.columns // 4)[scan.order].reshape(4, 16)
    assert (quarters == quarters[:, :1]).all()


@given(SCAN, st.integers(1, 3))
def test_grids_come_back_from_their_canvases(scan: Scan, count: int) -> None:
    grids = np.random.default_rng(0).integers(0, 99, (count, *scan.grid), np.int32)
    canvas = scan.canvas(grids)
    assert canvas.shape == (count, scan.cells)
    assert (canvas[0] == grids[0, scan.rows, scan.columns]).all()
    assert (scan.grids(canvas) == grids).all()


# -- contexts ------------------------------------------------------------------------------------


@given(SCAN, CONTEXTS)
def test_a_neighbour_was_visited_before_or_is_outside(scan: Scan, context: Any) -> None:
    neighbours, offsets = table(scan, context), scan.offsets(context)
    assert neighbours.dtype == np.int32
    assert neighbours.shape == (scan.cells, (len(offsets) or 1) + scan.coarser(offsets))
    steps = np.append(scan.steps, -1)  # of "outside" too
    assert (steps[neighbours] < scan.steps[:, None]).all()


@given(SCAN, CONTEXTS)
def test_no_neighbour_stands_twice_in_a_context(scan: Scan, context: Any) -> None:
    parts = np.split(table(scan, context), [len(scan.offsets(context)) or 1], axis=1)
    for part in parts:  # a cell of the next coarser level may be one of the nearest too
        for neighbours in part:
            inside = neighbours[neighbours < scan.cells]
            assert len(set(inside)) == len(inside)


@given(SCAN)
def test_previous_is_the_cell_before(scan: Scan) -> None:
    neighbours = table(scan, "previous")[scan.order, 0].tolist()
    assert neighbours == [scan.cells, *scan.order[:-1].tolist()]


@given(st.sampled_from(["raster", "serpentine", "column"]), SIDES, SIDES)
def test_left_is_where_the_line_comes_from(name: str, height: int, width: int) -> None:
    scan = make_scan(name, (height, width))
    line = height if name == "column" else width
    left = table(scan, [(0, -1)])[scan.order, 0].reshape(-1, line)
    lines = scan.order.reshape(-1, line)
    assert (left[:, 0] == scan.cells).all()
    assert (left[:, 1:] == lines[:, :-1]).all()


@given(st.sampled_from(["raster", "serpentine", "column"]), SIDES, SIDES)
def test_above_is_the_line_before(name: str, height: int, width: int) -> None:
    scan = make_scan(name, (height, width))
    above = table(scan, [(-1, 0)])[:, 0]
    if name == "column":
        expected = np.where(scan.columns > 0, np.arange(scan.cells) - 1, scan.cells)
    else:
        expected = np.where(scan.rows > 0, np.arange(scan.cells) - width, scan.cells)
    assert (above == expected).all()


def test_a_hilbert_context_shows_every_side_that_was_visited() -> None:
    scan = make_scan("hilbert", (4, 4))
    neighbours = table(scan, "near")
    for cell in range(16):
        distance = np.maximum(
            np.abs(scan.rows - scan.rows[cell]), np.abs(scan.columns - scan.columns[cell])
        )
        expected = np.flatnonzero((distance == 1) & (scan.steps < scan.steps[cell]))
        assert sorted(neighbours[cell][neighbours[cell] < 16]) == expected.tolist()


# Left, up, up-left, up-right of each cell of a 3×3 grid, by hand; 9 is outside.
#   0 1 2
#   3 4 5
#   6 7 8
RASTER_NEAR = [
    [9, 9, 9, 9],
    [0, 9, 9, 9],
    [1, 9, 9, 9],
    [9, 0, 9, 1],
    [3, 1, 0, 2],
    [4, 2, 1, 9],
    [9, 3, 9, 4],
    [6, 4, 3, 5],
    [7, 5, 4, 9],
]
SERPENTINE_NEAR = [  # the middle row is travelled from 5 to 3, so its left and right change places
    [9, 9, 9, 9],
    [0, 9, 9, 9],
    [1, 9, 9, 9],
    [4, 0, 1, 9],
    [5, 1, 2, 0],
    [9, 2, 9, 1],
    [9, 3, 9, 4],
    [6, 4, 3, 5],
    [7, 5, 4, 9],
]


@pytest.mark.parametrize(
    ("name", "expected"), [("raster", RASTER_NEAR), ("serpentine", SERPENTINE_NEAR)]
)
def test_the_nearest_four_of_three_by_three_are_these(name: str, expected: list[list[int]]) -> None:
    assert table(make_scan(name, (3, 3)), "near").tolist() == expected


def test_a_column_scan_is_a_raster_scan_on_its_side() -> None:
    raster, column = make_scan("raster", (4, 5)), make_scan("column", (5, 4))
    turned = np.append(np.arange(20).reshape(5, 4).T.reshape(-1), 20)  # cell to cell
    assert (turned[table(raster, "wide")] == table(column, "wide")[turned[:20]]).all()


def test_wide_has_24_neighbours_and_begins_with_the_nearest_four() -> None:
    rows_above = {(row, column) for row in (-1, -2, -3) for column in range(-3, 4)}
    assert set(WIDE) == rows_above | {(0, -1), (0, -2), (0, -3)}
    assert len(WIDE) == 24
    assert WIDE[:4] == NEAR
    assert NEAR == ((0, -1), (-1, 0), (-1, -1), (-1, 1))


def test_wide_comes_nearest_first() -> None:
    distances = [row**2 + column**2 for row, column in WIDE]
    assert distances == sorted(distances)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "context", [[], [[0, 0]], [[0, -1], [0, -1]], [[0]], [[0, -1, 2]], [0, -1], [[0.5, 1]]]
)
def test_offsets_that_make_no_context_are_named(context: Any) -> None:
    with pytest.raises(OptionError) as caught:
        make_scan("raster", (3, 3)).offsets(context)
    assert repr(context) in caught.value.what
    assert "'context'" in caught.value.where
    assert "Give different offsets" in caught.value.remedy


def test_a_misspelt_context_is_answered_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'wid'.*Did you mean 'wide'\?.*previous, near, wide"):
        make_scan("raster", (3, 3)).offsets("wid")


def test_a_misspelt_scan_is_answered_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'serpent'.*Did you mean 'serpentine'\?.*raster"):
        make_scan("serpent", (3, 3))


# -- segments ------------------------------------------------------------------------------------


@given(SCAN)
def test_a_picture_of_memory_starts_once_and_a_row_of_memory_with_each_line(scan: Scan) -> None:
    assert np.flatnonzero(segment_starts(scan, "picture")).tolist() == [0]
    for memory in ("row", "none"):
        starts = np.flatnonzero(segment_starts(scan, memory))
        assert starts.tolist() == scan.line_starts.tolist()


def test_segments_that_ask_for_a_scan_that_is_none_are_refused() -> None:
    with pytest.raises(OptionError, match="'pyramids'") as caught:
        Segments(scan="pyramids")  # type: ignore[arg-type]
    assert "'pyramid'" in str(caught.value.remedy)

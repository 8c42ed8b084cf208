"""The pyramid: a small copy of the picture first, then what is between its cells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.batches import Cutter
from pixelgen.data.places import places
from pixelgen.data.scans import NEAR, RATIO, Scan, make_scan
from pixelgen.data.schedule import make_schedule
from pixelgen.data.segments import Segments

SIDES = st.integers(1, 90)
PYRAMID = st.builds(lambda height, width: make_scan("pyramid", (height, width)), SIDES, SIDES)


def level_by_hand(scan: Scan) -> np.ndarray:
    """(gh, gw): which of the strides a cell belongs to, by the first that divides its place."""
    height, width = scan.grid
    return np.array(
        [
            [
                next(
                    number
                    for number, stride in enumerate(scan.strides)
                    if row % stride == column % stride == 0
                )
                for column in range(width)
            ]
            for row in range(height)
        ]
    )


@pytest.mark.parametrize(
    ("grid", "strides"),
    [
        ((75, 75), (5, 1)),
        ((16, 16), (1,)),
        ((9, 17), (5, 1)),
        ((80, 80), (5, 1)),
        ((81, 20), (25, 5, 1)),
        ((300, 300), (25, 5, 1)),
        ((1024, 1024), (125, 25, 5, 1)),
    ],
)
def test_larger_pictures_have_more_levels(grid, strides):
    assert make_scan("pyramid", grid).strides == strides


@given(PYRAMID)
def test_levels_are_visited_one_after_another_each_row_by_row(scan):
    by_hand = level_by_hand(scan).reshape(-1)
    visited = [(by_hand[cell], *divmod(cell, scan.grid[1])) for cell in scan.order.tolist()]
    assert visited == sorted(visited)
    assert sorted(scan.order.tolist()) == list(range(scan.cells))


@given(PYRAMID)
def test_a_level_number_tells_the_place_within_a_cell_of_the_coarser_level(scan):
    by_hand = level_by_hand(scan).reshape(-1)
    assert ((scan.levels == 0) == (by_hand == 0)).all()
    for number in set(scan.levels.tolist()) - {0}:
        here = scan.levels == number
        [level] = set(by_hand[here].tolist())
        coarse = scan.strides[level - 1]
        assert len({*zip(scan.rows[here] % coarse, scan.columns[here] % coarse, strict=True)}) == 1
    assert scan.levels.max() <= RATIO**2 * (len(scan.strides) - 1)


def test_the_coarsest_level_sees_what_a_small_picture_sees():
    scan, small = make_scan("pyramid", (75, 75)), make_scan("raster", (15, 15))
    table, expected = scan.context_table(NEAR), small.context_table(NEAR)
    coarse = np.flatnonzero(scan.levels == 0)
    numbers = np.full(scan.cells + 1, -1)
    numbers[[*coarse, scan.cells]] = range(15 * 15 + 1)
    np.testing.assert_array_equal(numbers[table[coarse, :4]], expected)
    assert (table[coarse, 4:] == scan.cells).all()


def test_a_fine_cell_sees_the_coarse_cells_on_all_sides():
    scan = make_scan("pyramid", (75, 75))
    table = scan.context_table(NEAR)
    assert table.shape == (75 * 75, 4 + 9)
    seen = table[12 * 75 + 33, 4:]
    assert {*seen.tolist()} == {r * 75 + c for r in (5, 10, 15) for c in (25, 30, 35)}
    assert seen[0] == 10 * 75 + 30  # the one that it is within comes first
    corner = table[74 * 75 + 74, 4:]  # of the picture: below and to the right there is nothing
    assert sorted(corner.tolist())[:4] == [65 * 75 + 65, 65 * 75 + 70, 70 * 75 + 65, 70 * 75 + 70]
    assert (corner == scan.cells).sum() == 5


def test_middle_levels_look_up_one_level_only():
    scan = make_scan("pyramid", (90, 90))
    assert scan.strides == (25, 5, 1)
    table = scan.context_table(NEAR)
    middle = table[35 * 90 + 30]
    assert middle[0] == 35 * 90 + 25  # to the left on its own level
    assert middle[4] == 25 * 90 + 25  # the cell of the coarsest level that it is within
    assert table[36 * 90 + 31, 4] == 35 * 90 + 30


@given(PYRAMID)
def test_lines_are_rows_of_one_level_and_short_ones_are_joined(scan):
    by_hand = level_by_hand(scan).reshape(-1)[scan.order]
    rows = scan.rows[scan.order]
    edges = [*scan.line_starts.tolist(), scan.cells]
    assert edges[0] == 0
    joined = 1 if len(scan.strides) == 1 else RATIO
    for begin, end in pairwise(edges):
        [level] = set(by_hand[begin:end].tolist())
        assert len(set(rows[begin:end].tolist())) <= (joined if level == 0 else 1)
    assert scan.line_lengths.sum() == scan.cells


def test_a_picture_takes_little_more_waves_than_row_by_row():
    scan = make_scan("pyramid", (75, 75))
    table = scan.context_table(scan.offsets("wide"))
    assert len(make_schedule(scan, table, "row").waves) == 387
    raster = make_scan("raster", (75, 75))
    table = raster.context_table(raster.offsets("wide"))
    assert len(make_schedule(raster, table, "row").waves) == 371


@pytest.mark.parametrize(("side", "waves"), [(300, 1501), (600, 3001)])
def test_a_larger_picture_than_the_trained_takes_little_more_waves_than_row_by_row(side, waves):
    """Its small copy is larger too, and lines of several of its rows would be painted serially."""
    scan = make_scan("pyramid", (75, 75)).over((side, side))
    table = scan.context_table(scan.offsets("wide"))
    assert len(make_schedule(scan, table, "row").waves) == waves  # row by row 1,496 and 2,996
    coarsest = scan.line_lengths[scan.levels[scan.order[scan.line_starts]] == 0]
    assert set(coarsest.tolist()) == {side // RATIO}


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(["absolute", "relative"]))
def test_another_size_has_the_same_levels_and_is_told_as_places_of_them(
    height, width, tall, wide, kind
):
    trained = make_scan("pyramid", (height, width))
    other = trained.over((tall, wide))
    assert other.strides == trained.strides
    told = places(trained, other, kind)
    known = np.isin(other.levels, trained.levels)
    assert (trained.levels[told][known] == other.levels[known]).all()


@pytest.mark.parametrize("grid", [(75, 75), (17, 40), (90, 33)])
def test_a_batch_has_lines_of_one_length_and_an_epoch_all_of_them(grid):
    scan = make_scan("pyramid", grid)
    cutter = Cutter(scan, Segments(batch=8), scan.offsets("near"), 5)
    canvases = np.random.default_rng(0).integers(0, 5, (3, scan.cells), np.int32)
    groups = np.zeros(3, np.int32)
    batches = list(cutter.training_batches(canvases, groups, np.random.default_rng(1)))
    assert len(batches) == cutter.batches_per_epoch(3)
    assert sum(batch.size for batch in batches) == canvases.size
    learned = np.concatenate([batch.positions.reshape(-1) for batch in batches])
    assert (np.bincount(learned) == 3).all()
    lengths = [batch.targets.shape[1] for batch in batches]
    assert len(set(lengths)) == len(set(scan.line_lengths.tolist())) > 1
    assert lengths != sorted(lengths)  # batches of all lengths are shuffled
    assert max(len(batch.targets) for batch in batches) == 8

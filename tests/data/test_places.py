"""Cells of a grid of another shape are told as cells of the trained one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.places import places
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import SCANS

pytestmark = pytest.mark.usefixtures("small_pyramids")

KINDS = ("absolute", "relative")
GRID = st.tuples(st.integers(1, 12), st.integers(1, 12))


def told(trained, grid, kind, scan="raster"):
    """The trained row and column of each cell: two arrays in the grid's shape."""
    cells = places(make_scan(scan, trained), make_scan(scan, grid), kind)
    return cells.reshape(grid) // trained[1], cells.reshape(grid) % trained[1]


@given(st.sampled_from(SCANS), GRID, st.sampled_from(KINDS))
def test_on_the_trained_grid_every_cell_is_told_as_itself(name, grid, kind):
    scan = make_scan(name, grid)
    np.testing.assert_array_equal(places(scan, scan, kind), np.arange(scan.cells))


@given(st.sampled_from(SCANS), GRID, GRID, st.sampled_from(KINDS))
def test_every_place_is_one_of_the_trained_grid(name, trained, grid, kind):
    scan = make_scan(name, trained)
    cells = places(scan, scan.over(grid), kind)
    assert cells.min() >= 0
    assert cells.max() < trained[0] * trained[1]


@given(GRID, GRID, st.sampled_from(KINDS))
def test_rows_and_columns_stay_in_their_order(trained, grid, kind):
    rows, columns = told(trained, grid, kind)
    assert (rows == rows[:, :1]).all()
    assert (columns == columns[:1]).all()
    assert (np.diff(rows[:, 0]) >= 0).all()
    assert (np.diff(columns[0]) >= 0).all()


def test_absolute_places_are_as_far_from_the_nearer_edge_and_the_middle_is_repeated():
    rows, columns = told((5, 4), (9, 8), "absolute")
    assert rows[:, 0].tolist() == [0, 1, 2, 2, 2, 2, 2, 3, 4]
    assert columns[0].tolist() == [0, 1, 1, 1, 2, 2, 2, 3]


def test_a_smaller_grid_has_both_edges():
    rows, _ = told((9, 1), (4, 1), "absolute")
    assert rows[:, 0].tolist() == [0, 1, 7, 8]


def test_relative_places_are_at_the_same_share():
    rows, columns = told((5, 4), (10, 8), "relative")
    assert rows[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert columns[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_band_is_told_as_these_rows_of_the_whole(kind):
    trained, whole = make_scan("raster", (7, 5)), make_scan("raster", (20, 9))
    band = make_scan("raster", (6, 9))
    part = places(trained, band, kind, first_row=8, height=20)
    expected = places(trained, whole, kind).reshape(20, 9)[8:14]
    np.testing.assert_array_equal(part.reshape(6, 9), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_each_level_has_places_of_its_own(kind):
    def levels(coarse, fine):
        parts = [make_scan("raster", coarse), make_scan("raster", fine)]
        joined = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("rows", "columns")
        }
        numbers = np.repeat(np.array([0, 1], np.int32), [part.cells for part in parts])
        order = np.arange(len(numbers), dtype=np.int32)
        return dataclasses.replace(parts[1], order=order, levels=numbers, **joined)

    told_as = places(levels((2, 2), (4, 4)), levels((3, 3), (6, 6)), kind)
    coarse = places(make_scan("raster", (2, 2)), make_scan("raster", (3, 3)), kind)
    fine = places(make_scan("raster", (4, 4)), make_scan("raster", (6, 6)), kind)
    np.testing.assert_array_equal(told_as, np.concatenate([coarse, fine + 4]))

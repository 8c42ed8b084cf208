"""Cells of a grid of another shape are told as cells of the trained one."""

from __future__ import annotations

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
    part = places(trained, band, kind, first_row=8, grid=(20, 9))
    expected = places(trained, whole, kind).reshape(20, 9)[8:14]
    np.testing.assert_array_equal(part.reshape(6, 9), expected)


@pytest.mark.parametrize("kind", KINDS)
@given(GRID, st.tuples(st.integers(8, 30), st.integers(1, 12)), st.data())
def test_parts_of_a_pyramid_are_told_as_in_the_whole(kind, grid, larger, data):
    trained = make_scan("pyramid", grid)
    whole = places(trained, trained.over(larger), kind).reshape(larger)
    first = data.draw(st.integers(0, (larger[0] - 1) // trained.strides[0])) * trained.strides[0]
    tall = data.draw(st.integers(1, larger[0] - first))
    band = places(trained, trained.over((tall, larger[1])), kind, first_row=first, grid=larger)
    np.testing.assert_array_equal(band.reshape(tall, -1), whole[first : first + tall])
    if trained.has_small_copy:
        copy, stride = trained.small_copy(larger), trained.strides[-2]
        told_as = places(trained, copy, kind, grid=larger)
        np.testing.assert_array_equal(told_as.reshape(copy.grid), whole[::stride, ::stride])


@pytest.mark.parametrize("kind", KINDS)
def test_each_level_has_places_of_its_own(kind):
    trained = make_scan("pyramid", (10, 15))
    assert trained.strides == (5, 1)
    other = trained.over((30, 45))
    told_as = places(trained, other, kind).reshape(other.grid)
    for down, across in ((0, 0), (0, 1), (3, 2)):  # each is a lattice of 2×3 cells, of 6×9 here
        lattice = places(make_scan("raster", (2, 3)), make_scan("raster", (6, 9)), kind)
        rows, columns = np.divmod(lattice.reshape(6, 9), 3)
        expected = (5 * rows + down) * 15 + 5 * columns + across
        np.testing.assert_array_equal(told_as[down::5, across::5], expected)

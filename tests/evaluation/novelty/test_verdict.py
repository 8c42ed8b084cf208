"""Thresholds follow what real pictures share, and hold where there are few of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.evaluation.novelty.verdict import SURE, Thresholds, rank


def test_what_real_pictures_share_is_no_copy():
    real = np.linspace(0.3, 0.8, 100).tolist()
    thresholds = Thresholds.of(real, [3] * 100, [9] * 100, (75, 75))
    assert sum(thresholds.verdict(each, 3, 9) == "copy" for each in real) <= 5
    assert sum(thresholds.verdict(each, 3, 9) != "new" for each in real) <= 6


@given(
    st.lists(st.floats(0, 1), max_size=60), st.floats(0, 1), st.integers(0, 75), st.integers(0, 75)
)
def test_more_in_common_never_makes_a_picture_newer(real, likeness, block, run):
    thresholds = Thresholds.of(real, [2] * len(real), [8] * len(real), (75, 75))
    order = ("new", "close", "copy")
    here = order.index(thresholds.verdict(likeness, block, run))
    assert order.index(thresholds.verdict(min(1, likeness + 0.1), block, run)) >= here
    assert order.index(thresholds.verdict(likeness, block + 1, run)) >= here
    assert order.index(thresholds.verdict(likeness, block, run + 1)) >= here


def test_few_real_pictures_do_not_lower_the_bar():
    assert Thresholds.of([0.1], [2], [8], (75, 75)).copy == SURE
    assert Thresholds.of([], [], [], (75, 75)).copy == SURE


def test_a_square_far_beyond_chance_is_a_copy_whatever_the_detail():
    thresholds = Thresholds.of([0.2] * 20, [4] * 20, [20] * 20, (75, 75))
    assert thresholds.verdict(0.0, 25, 25) == "copy"
    # A model that paints flat skies repeats a flat sky, and has copied nothing.
    assert thresholds.verdict(0.0, 12, 30) == "new"


def test_whole_rows_and_squares_of_a_sixth_are_close_to_what_they_come_from():
    thresholds = Thresholds.of([0.2] * 20, [4] * 20, [20] * 20, (75, 75))
    assert thresholds.verdict(0.0, 13, 13) == "close"
    assert thresholds.verdict(0.0, 2, 75) == "close"
    # Where real pictures share whole rows, of one flat colour, rows say nothing.
    assert Thresholds.of([0.2] * 20, [4] * 20, [75] * 20, (75, 75)).verdict(0.0, 4, 75) == "new"


def test_large_squares_by_chance_ask_for_larger_ones():
    assert Thresholds.of([0.2] * 20, [10] * 20, [12] * 20, (16, 16)).block == 16


def test_a_folder_that_holds_a_picture_twice_does_not_hide_copies():
    twins = Thresholds.of([0.2] * 42 + [0.98, 0.97], [3] * 42 + [60, 60], [9] * 44, (75, 75))
    assert twins.verdict(0.95, 2, 5) == "copy"
    assert twins.verdict(0.1, 75, 75) == "copy"
    assert twins.copy < 1


@pytest.mark.parametrize("grid", [(1, 8), (2, 8), (8, 32)])
def test_a_square_of_a_thin_picture_is_not_the_whole(grid):
    thresholds = Thresholds.of([0.2] * 20, [grid[0]] * 20, [grid[1] // 2] * 20, grid)
    assert thresholds.verdict(0.0, grid[0], grid[0]) != "copy"


def test_the_rank_is_the_share_of_real_pictures_with_as_much_in_common():
    assert rank(0.5, [0.1, 0.5, 0.9, 0.2]) == 0.5
    assert rank(1.0, [0.1, 0.5]) == 0
    assert math.isnan(rank(1.0, []))


def test_equal_verdicts_for_equal_likeness():
    thresholds = Thresholds.of([0.3] * 10, [2] * 10, [8] * 10, (75, 75))
    assert thresholds.verdict(thresholds.copy, 0, 0) == "copy"
    assert thresholds.close == pytest.approx(thresholds.copy - 0.05)

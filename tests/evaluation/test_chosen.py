"""The pictures that stand for all of them."""

from __future__ import annotations

import numpy as np

from pixelgen.evaluation.chosen import chosen
from pixelgen.evaluation.novelty.report import MOST_REAL, Real, _real


def test_all_are_chosen_where_there_are_no_more():
    np.testing.assert_array_equal(chosen(5, 5, "a"), np.arange(5))
    np.testing.assert_array_equal(chosen(3, 5, "a"), np.arange(3))


def test_some_are_chosen_from_everywhere_in_order_and_the_same_each_time():
    places = chosen(1000, 100, "a")
    assert (np.diff(places) > 0).all()
    assert np.bincount(places // 250).min() > 10
    np.testing.assert_array_equal(places, chosen(1000, 100, "a"))
    assert (places != chosen(1000, 100, "b")).any()


def test_real_pictures_of_every_class_set_the_thresholds_of_a_copy():
    count = 4 * MOST_REAL
    grids = np.arange(count).reshape(count, 1, 1)  # sorted: four classes of equal size
    held_out = Real(np.zeros((count, 1, 1, 3), np.uint8), grids)
    real, own = _real(held_out, grids)
    assert own == [None] * MOST_REAL
    assert np.bincount(real.ravel() // MOST_REAL, minlength=4).min() > 0

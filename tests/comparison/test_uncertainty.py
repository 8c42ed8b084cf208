import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.comparison.uncertainty import (
    estimate,
    holm,
    mark,
    paired_difference,
)
from pixelgen.evaluation.student import t_bound, t_tail


def test_with_one_seed_it_is_the_standard_error_over_pictures():
    # Deviations ±1.5 and ±0.5: variance 5/3, so √(5/3)/√4.
    found = estimate(np.array([[1.0, 2.0, 3.0, 4.0]]))
    assert found.mean == 2.5
    assert found.standard_error == pytest.approx(math.sqrt(5 / 12))
    assert str(found) == "2.500 ± 0.645"


def test_with_one_picture_it_is_the_standard_error_over_seeds():
    assert estimate(np.array([[1.0], [3.0]])).standard_error == pytest.approx(1.0)


def test_a_single_value_says_nothing_of_its_spread():
    assert estimate(np.array([[2.0]])).standard_error is None
    assert str(estimate(np.array([[2.0]]))) == "2.000"


def test_seeds_and_pictures_both_count():
    # By hand: mean squares 6 of seeds, 4.5 of pictures, 0.5 of the rest; (6 + 4.5 − 0.5) / 6.
    found = estimate(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]))
    assert found.standard_error == pytest.approx(math.sqrt(10 / 6))


def test_seeds_that_differ_less_than_chance_would_do_not_make_it_surer():
    # Both seeds have the mean 2: mean squares 0, 0.25 and 0.25 (seeds count as 0.25).
    found = estimate(np.array([[1.5, 2.5], [2.0, 2.0]]))
    assert found.standard_error == pytest.approx(math.sqrt(0.25 / 4))


def test_it_is_the_true_error_on_average():
    # Means of 3 seeds (σ 0.5) and 8 pictures (σ 1) and their interplay (σ 0.3).
    generator = np.random.default_rng(1)
    true = 0.5**2 / 3 + 1 / 8 + 0.3**2 / 24
    squared = []
    for _ in range(2000):
        values = generator.normal(0, 0.5, (3, 1)) + generator.normal(0, 1, (1, 8))
        error = estimate(values + generator.normal(0, 0.3, (3, 8))).standard_error
        squared.append(error**2)
    assert np.mean(squared) == pytest.approx(true, rel=0.05)


def test_with_one_seed_it_is_students_paired_test():
    # Of the differences: mean 0.25, variance 0.195; t = 0.25 / √(0.195 / 6) = 1.3868 with 5.
    differences = np.array([0.9, 0.5, -0.3, 0.4, 0.2, -0.2])
    reference = np.array([[3.0, 1.0, 4.0, 1.0, 5.0, 9.0]])
    found = paired_difference(reference + differences, reference)
    error = differences.std(ddof=1) / math.sqrt(6)
    assert found.mean == pytest.approx(0.25)
    assert found.low == pytest.approx(0.25 - 2.5706 * error, abs=1e-4)  # from a table
    assert found.high == pytest.approx(0.25 + 2.5706 * error, abs=1e-4)
    assert found.p == pytest.approx(2 * t_tail(found.mean / error, 5))


@pytest.mark.parametrize(("seeds", "pictures", "settings"), [(2, 7, 2), (3, 7, 2), (3, 20, 5)])
def test_alike_settings_are_marked_as_seldom_as_is_said(seeds, pictures, settings):
    """The best is picked from the numbers; at most one comparison in 20 may have a mark."""
    generator = np.random.default_rng(seeds * pictures)
    marked = 0
    for _ in range(400):
        values = generator.normal(0, 0.4, (1, 1, pictures))
        values = values + generator.normal(0, 0.03, (settings, seeds, 1))
        values = values + generator.normal(0, 0.05, (settings, 1, pictures))
        values = values + generator.normal(0, 0.02, (settings, seeds, pictures))
        best = values.mean(axis=(1, 2)).argmin()
        others = [values[each] for each in range(settings) if each != best]
        p = [paired_difference(other, values[best]).p for other in others]
        marked += mark(min(holm(p, settings * (settings - 1) // 2))) != ""
    assert marked / 400 < 0.08  # 0.05, and three standard errors


def test_pairing_takes_out_how_hard_a_picture_is():
    hard = np.random.default_rng(2).normal(0, 100, (1, 20))
    found = paired_difference(hard + 0.5, hard)
    assert found.low == pytest.approx(0.5)
    assert found.high == pytest.approx(0.5)
    assert mark(found.p) == "**"


def test_the_luck_of_seeds_is_in_it():
    pictures = np.random.default_rng(3).normal(4, 0.1, (1, 20))
    lucky = pictures + np.array([[-0.5], [0.5], [0.4]])
    assert mark(paired_difference(lucky, pictures).p) == ""


@pytest.mark.parametrize("pictures", [2, 8, 16, 31, 64, 250])
def test_with_one_seed_every_picture_but_one_is_a_degree_of_freedom(pictures):
    generator = np.random.default_rng(pictures)
    for _ in range(20):
        values, reference = generator.normal(4, 1, (2, 1, pictures))
        found = paired_difference(values, reference)
        error = (values - reference).std(ddof=1) / math.sqrt(pictures)
        assert found.high - found.mean == pytest.approx(t_bound(pictures - 1) * error)
        assert found.p >= 1e-12


def test_of_one_picture_nothing_is_known():
    found = paired_difference(np.array([[5.0], [5.1]]), np.array([[4.0]]))
    assert (found.low, found.high, found.p) == (None, None, 1.0)


@pytest.mark.parametrize("pictures", [1, 2, 4])
def test_few_pictures_cannot_prove_anything(pictures):
    reference = np.ones((1, pictures))
    found = paired_difference(reference + 5, reference)
    assert found.p == 2.0 ** (1 - pictures)
    assert mark(found.p) == ""


def test_no_difference_has_no_mark():
    values = np.random.default_rng(4).normal(size=(2, 10))
    assert paired_difference(values, values).p > 0.5


def test_the_same_numbers_give_the_same_verdict():
    generator = np.random.default_rng(5)
    one, other = generator.normal(size=(2, 9)), generator.normal(size=(3, 9))
    assert paired_difference(one, other) == paired_difference(one, other)


def test_holm():
    # 0.01 × 3; 0.03 × 2; 0.04 × 1, but no less than the one before.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.01, 0.04], tests=3) == pytest.approx([0.03, 0.08])  # the best was picked


@given(st.lists(st.floats(0, 1)))
def test_adjusting_never_makes_a_test_surer(p):
    adjusted = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))


@pytest.mark.parametrize(("p", "sign"), [(0.009, "**"), (0.01, "*"), (0.049, "*"), (0.05, "")])
def test_marks(p, sign):
    assert mark(p) == sign

"""Intervals, and what a gap and a curve say in words."""

from __future__ import annotations

import numpy as np
import pytest

from pixelgen.evaluation.predictability import difference, fit_of, interval
from pixelgen.evaluation.record import Interval


def curve(*bits: float) -> list[dict[str, float]]:
    count = len(bits)
    return [
        {"progress": (number + 1) / count, "held_out_bits_per_pixel": each}
        for number, each in enumerate(bits)
    ]


def around(mean: float, width: float = 0.1) -> Interval:
    return Interval(mean=mean, low=mean - width, high=mean + width)


def test_the_interval_is_as_wide_as_the_standard_error_says():
    values = np.random.default_rng(0).normal(4, 0.5, 100)
    found = interval(values)
    error = values.std() / 10
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.02)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.02)


@pytest.mark.parametrize("count", [3, 7])
def test_the_interval_of_few_holds_the_mean_as_often_as_is_said(count):
    rng = np.random.default_rng(count)
    found = [interval(rng.normal(4, 0.5, count)) for _ in range(1000)]
    assert np.mean([each.low <= 4 <= each.high for each in found]) == pytest.approx(0.95, abs=0.03)


def test_of_one_picture_there_is_no_interval():
    assert interval(np.array([4.5])) == Interval(mean=4.5, low=4.5, high=4.5)
    assert difference(np.array([4.5]), np.array([4.0])) == Interval(mean=0.5, low=0.5, high=0.5)


def test_the_gap_has_the_spread_of_both_sides():
    rng = np.random.default_rng(0)
    first, second = rng.normal(4, 0.3, 100), rng.normal(3, 0.4, 100)
    found = difference(first, second)
    error = np.sqrt(first.var() / 100 + second.var() / 100)
    assert found.mean == pytest.approx(first.mean() - second.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


@pytest.mark.parametrize(
    "gap, bits, pictures, word",
    [
        (around(0.1), (5, 4.2, 4.01, 4.0, 4.0), 7, "balanced"),
        (around(0.1), (5, 4, 3.8, 4.2, 4.5), 7, "overfitting"),
        (around(2.0), (5, 4.2, 4.01, 4.0, 4.0), 7, "overfitting"),
        (around(0.05), (5, 4.6, 4.4, 4.2, 4.0), 7, "underfitting"),
        (around(0.1), (5, 4.2, 4.01, 4.0, 4.0), 1, "unclear"),
        (around(2.0), (5, 4.2, 4.01, 4.0, 4.0), 1, "unclear"),
        (around(0.1), (), 7, "balanced"),
    ],
)
def test_the_word_follows_the_gap_and_the_curve(gap, bits, pictures, word):
    assert fit_of(around(4.0), gap, curve(*bits), pictures, "best")[0] == word


def test_the_best_moment_is_spoken_of_where_its_weights_were_kept():
    risen = curve(5, 4, 3.8, 4.2, 4.5)
    _, kept = fit_of(around(4.0), around(0.1), risen, 7, "best")
    _, last = fit_of(around(4.0), around(0.1), risen, 7, "last")
    assert "best moment were kept" in kept
    assert "kept" not in last

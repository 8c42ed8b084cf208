"""Draws follow the probabilities, never fall on a zero, and depend on nothing but their key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pixelgen.errors import OptionError, TrainingError
from pixelgen.samplers.draw import draw, uniforms

ALMOST_ONE = np.nextafter(1.0, 0.0)
KEYS = st.integers(0, 2**64 - 1)
UNIFORM = st.floats(0, ALMOST_ONE)


@st.composite
def rows_with_zeros(draw_: st.DrawFn) -> np.ndarray:
    shape = draw_(array_shapes(min_dims=2, max_dims=2, max_side=12))
    sizes = st.floats(0, 1, width=32) | st.sampled_from([0.0, 1e-30, 1e-38])
    rows = draw_(arrays(np.float32, shape, elements=sizes))
    rows[rows.sum(axis=1) == 0, 0] = 1
    return rows


@given(rows_with_zeros(), st.data())
def test_a_token_of_probability_zero_is_never_drawn(rows: np.ndarray, data: st.DataObject) -> None:
    numbers = data.draw(arrays(np.float64, len(rows), elements=UNIFORM))
    tokens = draw(rows, numbers)
    assert tokens.dtype == np.int32
    assert (rows[np.arange(len(rows)), tokens] > 0).all()


@given(rows_with_zeros())
def test_the_ends_of_the_interval_are_the_first_and_last_possible_tokens(rows: np.ndarray) -> None:
    first = draw(rows, np.zeros(len(rows)))
    assert (first == np.argmax(rows > 0, axis=1)).all()
    last = draw(rows, np.full(len(rows), ALMOST_ONE))
    assert (last >= first).all()
    assert (rows[np.arange(len(rows)), last] > 0).all()


def test_a_token_is_drawn_where_the_cumulative_probability_exceeds_the_number() -> None:
    row = np.array([0.25, 0.0, 0.5, 0.25, 0.0])
    numbers = np.array([0.0, 0.2499, 0.25, 0.7499, 0.75, ALMOST_ONE])
    drawn = draw(np.tile(row, (len(numbers), 1)), numbers)
    assert drawn.tolist() == [0, 0, 2, 2, 3, 3]


def test_rows_need_not_sum_to_one() -> None:
    rows = np.array([[1.0, 3.0], [1e-300, 3e-300]])
    assert draw(rows, np.array([0.24, 0.26])).tolist() == [0, 1]


def test_a_vocabulary_of_one_leaves_no_choice() -> None:
    assert draw(np.ones((3, 1), np.float32), np.array([0.0, 0.5, ALMOST_ONE])).tolist() == [0] * 3


def test_a_row_does_not_depend_on_the_rows_beside_it_nor_on_the_layout_in_memory() -> None:
    generator = np.random.default_rng(0)
    rows, numbers = generator.random((40, 300), np.float32), generator.random(40)
    together = draw(rows, numbers)
    assert (draw(np.asfortranarray(rows), numbers) == together).all()
    for row in range(40):
        assert draw(rows[row : row + 1], numbers[row : row + 1]) == together[row]


def test_the_probabilities_are_left_as_they_were() -> None:
    rows = np.full((1, 4), 0.25)
    draw(rows, np.array([0.5]))
    assert (rows == 0.25).all()


def test_draws_follow_the_distribution() -> None:
    row = np.array([0.4, 0.0, 0.3, 0.2, 0.09, 0.01])
    count = 100_000
    numbers = uniforms(seed=5, picture=0, cells=count)
    observed = np.bincount(draw(np.tile(row, (count, 1)), numbers), minlength=len(row))
    possible = row > 0
    expected = row[possible] * count
    chi_square = ((observed[possible] - expected) ** 2 / expected).sum()
    assert chi_square < 18.47  # the 99.9 % quantile at four degrees of freedom
    assert observed[1] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_row_that_is_no_distribution_is_refused(bad: float) -> None:
    rows = np.array([[0.5, 0.5], [bad, 0.0]])
    with pytest.raises(TrainingError, match="not numbers"):
        draw(rows, np.array([0.5, 0.5]))


@given(KEYS, st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 60))
def test_a_cells_number_does_not_depend_on_how_many_cells_there_are(
    seed: int, picture: int, few: int, more: int
) -> None:
    longer = uniforms(seed, picture, few + more)
    assert longer.dtype == np.float64
    assert ((longer >= 0) & (longer < 1)).all()
    assert (uniforms(seed, picture, few) == longer[:few]).all()


@given(st.tuples(KEYS, st.integers(0, 1000)), st.tuples(KEYS, st.integers(0, 1000)))
def test_another_seed_or_picture_has_other_numbers(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    equal = bool((uniforms(*one, 4) == uniforms(*other, 4)).all())
    assert equal == (one == other)


def test_the_numbers_of_neighbouring_seeds_and_pictures_are_unrelated() -> None:
    rows = np.stack(
        [uniforms(seed, picture, 4000) for seed in range(3) for picture in range(3)]
        + [uniforms(1, 0, 4001)[1:]]
    )
    correlation = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(correlation).max() < 0.08  # five standard deviations


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_bounds_is_named_with_its_bounds(seed: int) -> None:
    with pytest.raises(OptionError, match=rf"the seed cannot be {seed}.*from 0 to 2⁶⁴ - 1"):
        uniforms(seed, 0, 1)

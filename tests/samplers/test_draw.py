"""Draws follow the probabilities, never fall on a zero, and depend on nothing but their key."""

from __future__ import annotations

import array_api_compat.numpy as numpy_namespace
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pixelgen.errors import OptionError, TrainingError
from pixelgen.samplers.device_draw import choose
from pixelgen.samplers.draw import STAGES, draw, uniforms, uniforms_of

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
    numbers = data.draw(arrays(np.float64, (len(rows), STAGES), elements=UNIFORM))
    tokens = draw(rows, numbers)
    assert tokens.dtype == np.int32
    assert (rows[np.arange(len(rows)), tokens] > 0).all()


@given(rows_with_zeros(), st.data(), st.sampled_from(["numpy", "torch"]))
def test_a_device_draws_the_same_tokens(rows: np.ndarray, data: st.DataObject, by: str) -> None:
    places = UNIFORM | st.sampled_from([0.0, 0.25, 0.5, ALMOST_ONE])
    numbers = data.draw(arrays(np.float64, (len(rows), STAGES), elements=places))
    tokens, totals = chosen_by(by, rows, numbers)
    np.testing.assert_array_equal(tokens, draw(rows, numbers))
    np.testing.assert_allclose(totals, rows.sum(axis=1, dtype=np.float64))


def chosen_by(library: str, rows: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `choose` returns with NumPy or PyTorch, in NumPy."""
    if library == "numpy":
        return choose(rows, numbers, numpy_namespace)
    torch = pytest.importorskip("torch")
    import array_api_compat.torch as torch_namespace

    tensors = torch.from_numpy(rows), torch.from_numpy(numbers)
    tokens, totals = choose(*tensors, torch_namespace)
    return tokens.numpy(), totals.numpy()


@pytest.mark.parametrize("by", ["numpy", "torch"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_device_says_which_rows_are_no_distribution(by: str, bad: float) -> None:
    rows = np.array([[0.5, 0.5], [bad, 0.0]], np.float32)
    _, totals = chosen_by(by, rows, np.full((2, STAGES), 0.5))
    assert (np.isfinite(totals) & (totals > 0)).tolist() == [True, False]


@given(rows_with_zeros(), st.sampled_from([0.0, ALMOST_ONE]))
def test_the_ends_of_the_interval_are_possible_tokens(rows: np.ndarray, end: float) -> None:
    tokens = draw(rows, np.full((len(rows), STAGES), end))
    assert (rows[np.arange(len(rows)), tokens] > 0).all()


def test_each_stage_chooses_where_the_cumulative_probability_exceeds_its_number() -> None:
    # Eight tokens are 2 × 2 × 2: the last bit is drawn first, then the middle one, then the first.
    row = np.array([0.05, 0.10, 0.0, 0.30, 0.15, 0.20, 0.10, 0.10])
    # p(last bit 0) = 0.05 + 0.0 + 0.15 + 0.10 = 0.3; given that, p(middle bit 0) = 0.2 / 0.3;
    # given both, p(first bit 0) = 0.05 / 0.2.
    cases = {
        (0.29, 0.66, 0.24): 0b000,
        (0.29, 0.66, 0.26): 0b100,
        (0.29, 0.67, 0.00): 0b110,  # 0b010 has no probability
        (0.31, 0.42, 0.32): 0b001,  # p(middle 0 | last 1) = 0.3 / 0.7, p(first 0) = 0.1 / 0.3
        (0.31, 0.42, 0.34): 0b101,
        (0.31, 0.43, 0.74): 0b011,  # p(first 0) = 0.3 / 0.4
        (0.31, 0.43, 0.76): 0b111,
    }
    drawn = draw(np.tile(row, (len(cases), 1)), np.array(list(cases)))
    assert drawn.tolist() == list(cases.values())


def test_rows_need_not_sum_to_one() -> None:
    rows = np.array([[1.0, 3.0], [1e-300, 3e-300]])
    # Two tokens are padded to 2 × 2 × 2, and differ in the bit that is drawn first.
    numbers = np.array([[0.24, 0.5, 0.5], [0.26, 0.5, 0.5]])
    assert draw(rows, numbers).tolist() == [0, 1]


def test_a_vocabulary_of_one_leaves_no_choice() -> None:
    numbers = np.tile(np.array([[0.0], [0.5], [ALMOST_ONE]]), STAGES)
    assert draw(np.ones((3, 1), np.float32), numbers).tolist() == [0] * 3


@given(st.integers(1, 400), st.integers(0, 99))
def test_every_token_can_be_drawn_in_a_vocabulary_of_any_size(size: int, seed: int) -> None:
    wanted = np.random.default_rng(seed).integers(0, size, 5)
    numbers = np.random.default_rng(seed).random((5, STAGES))
    assert (draw(np.eye(size)[wanted], numbers) == wanted).all()


def test_a_row_does_not_depend_on_the_rows_beside_it_nor_on_the_layout_in_memory() -> None:
    generator = np.random.default_rng(0)
    rows, numbers = generator.random((40, 300), np.float32), generator.random((40, STAGES))
    together = draw(rows, numbers)
    assert (draw(np.asfortranarray(rows), numbers) == together).all()
    for row in range(40):
        assert draw(rows[row : row + 1], numbers[row : row + 1]) == together[row]


def test_the_probabilities_are_left_as_they_were() -> None:
    rows = np.full((1, 4), 0.25)
    draw(rows, np.full((1, STAGES), 0.5))
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
        draw(rows, np.full((2, STAGES), 0.5))


@given(KEYS, st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 60))
def test_a_cells_number_does_not_depend_on_how_many_cells_there_are(
    seed: int, picture: int, few: int, more: int
) -> None:
    longer = uniforms(seed, picture, few + more)
    assert longer.dtype == np.float64
    assert ((longer >= 0) & (longer < 1)).all()
    assert (uniforms(seed, picture, few) == longer[:few]).all()


@given(KEYS, st.integers(0, 2**32), st.sets(st.integers(0, 60), min_size=1), st.integers(1, 70))
def test_some_cells_have_the_numbers_that_they_have_among_all(
    seed: int, picture: int, cells: set[int], span: int
) -> None:
    chosen = np.array(sorted(cells), np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pixelgen.samplers.draw.SPAN", span)
        numbers = uniforms_of(seed, picture, chosen)
    assert (numbers == uniforms(seed, picture, 61)[chosen]).all()


@given(st.tuples(KEYS, st.integers(0, 1000)), st.tuples(KEYS, st.integers(0, 1000)))
def test_another_seed_or_picture_has_other_numbers(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    equal = bool((uniforms(*one, 4) == uniforms(*other, 4)).all())
    assert equal == (one == other)


def test_the_numbers_of_neighbouring_seeds_and_pictures_are_unrelated() -> None:
    rows = np.stack(
        [
            numbers
            for seed in range(3)
            for picture in range(3)
            for numbers in uniforms(seed, picture, 4000).T
        ]
        + [uniforms(1, 0, 4001)[1:, 0]]
    )
    correlation = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(correlation).max() < 0.08  # five standard deviations


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_bounds_is_named_with_its_bounds(seed: int) -> None:
    with pytest.raises(OptionError, match=rf"the seed cannot be {seed}.*from 0 to 2⁶⁴ - 1"):
        uniforms(seed, 0, 1)

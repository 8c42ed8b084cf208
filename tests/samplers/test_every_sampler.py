"""What holds for every sampler of the core, on NumPy and on PyTorch."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as numpy_namespace
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pixelgen.plugins import catalogue

SAMPLERS = {
    "multinomial": {},
    "top-k": {"k": 3},
    "top-p": {"p": 0.7},
    "min-p": {"share": 0.2},
    "typical": {"mass": 0.6},
    "greedy": {},
}
every_sampler = pytest.mark.parametrize("name", SAMPLERS)


def sample(name: str, logits: Any, xp: Any = numpy_namespace, **options: float) -> Any:
    sampler = catalogue().load("sampler", name)
    return sampler(sampler.Options(**{**SAMPLERS[name], **options})).probabilities(logits, xp)


@st.composite
def logits(draw: st.DrawFn, dtype: type = np.float32) -> np.ndarray:
    """Rows with at least one finite logit; some tokens forbidden, some equal, some enormous."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 9)))
    width = np.dtype(dtype).itemsize * 8
    sizes = (
        st.floats(-20, 20, width=width)
        | st.sampled_from([0.0, 1.0, -np.inf])
        | st.sampled_from([-3e38, -1e30, 1e30, 3e38]).map(dtype)
    )
    rows = draw(arrays(dtype, shape, elements=sizes))
    rows[np.isneginf(rows).all(axis=1), 0] = 0
    return rows


def test_these_are_all_of_the_cores_samplers() -> None:
    assert {
        name
        for name in catalogue().names("sampler")
        if catalogue().find("sampler", name).origin.found == "built-in"
    } == SAMPLERS.keys()


@every_sampler
@given(data=st.data(), temperature=st.floats(0.01, 100))
def test_rows_are_distributions_of_the_logits_type(
    name: str, data: st.DataObject, temperature: float
) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    rows = data.draw(logits(dtype))
    before = rows.copy()
    probabilities = sample(name, rows, temperature=temperature)
    assert probabilities.dtype == dtype
    assert probabilities.shape == rows.shape
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities[np.isneginf(rows)] == 0).all()  # a forbidden token stays forbidden
    np.testing.assert_array_equal(rows, before)  # a pure function


@every_sampler
@given(data=st.data())
def test_a_more_probable_token_never_becomes_less_probable_than_another_that_is_kept(
    name: str, data: st.DataObject
) -> None:
    rows = data.draw(logits())
    for row, kept in zip(rows, sample(name, rows), strict=True):
        ranked = kept[np.argsort(row, kind="stable")]
        ranked = ranked[ranked > 0]
        assert (np.diff(ranked) >= 0).all()


@every_sampler
@given(data=st.data())
def test_a_row_does_not_depend_on_the_rows_beside_it(name: str, data: st.DataObject) -> None:
    rows = data.draw(logits())
    together = sample(name, rows)
    for row in range(len(rows)):
        np.testing.assert_array_equal(sample(name, rows[row : row + 1])[0], together[row])


@every_sampler
def test_a_long_row_alone_is_bit_for_bit_what_it_is_among_others(name: str) -> None:
    rows = np.random.default_rng(3).normal(0, 3, (37, 1003)).astype(np.float32)
    together = sample(name, rows)
    alone = np.concatenate([sample(name, rows[row : row + 1]) for row in range(len(rows))])
    np.testing.assert_array_equal(alone, together)


@every_sampler
@given(data=st.data(), temperature=st.floats(0.2, 5))
def test_numpy_and_torch_agree(name: str, data: st.DataObject, temperature: float) -> None:
    torch = pytest.importorskip("torch")
    import array_api_compat.torch as torch_namespace

    # Logits a quarter apart: what is kept does not hang on the last bit of a probability.
    width = data.draw(st.integers(1, 9))
    row = data.draw(st.permutations(range(width)))
    rows = np.array([row, row[::-1]], np.float32) / 4
    expected = sample(name, rows, temperature=temperature)
    found = sample(name, torch.from_numpy(rows), torch_namespace, temperature=temperature)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@every_sampler
def test_numpy_and_torch_settle_ties_alike(name: str) -> None:
    torch = pytest.importorskip("torch")
    import array_api_compat.torch as torch_namespace

    rows = np.array([[1, 2, 2, 0, 2, 2], [0, 0, 0, 0, 0, 0], [5, 1, 5, 1, 5, 1]], np.float32)
    expected = sample(name, rows)
    found = sample(name, torch.from_numpy(rows), torch_namespace).numpy()
    np.testing.assert_array_equal(found > 0, expected > 0)


@every_sampler
def test_a_vocabulary_of_one_is_certain(name: str) -> None:
    rows = np.array([[0.0], [-1e30], [12.5]], np.float32)
    np.testing.assert_array_equal(sample(name, rows), np.ones((3, 1)))


@every_sampler
def test_only_the_best_token_is_left_as_the_temperature_goes_to_zero(name: str) -> None:
    rows = np.random.default_rng(0).permuted(np.tile(np.arange(50.0), (20, 1)), axis=1)
    cold = sample(name, rows.astype(np.float32), temperature=1e-3)
    np.testing.assert_array_equal(cold, sample("greedy", rows.astype(np.float32)))


@every_sampler
@pytest.mark.parametrize("temperature", [5e-324, 1e-45, 1e-20])
def test_the_smallest_temperatures_divide_by_no_zero(name: str, temperature: float) -> None:
    rows = np.array([[3.0, 1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(sample(name, rows, temperature=temperature), [[1, 0, 0]])

"""Which tokens each sampler leaves in play."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as numpy_namespace
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pixelgen.errors import OptionError
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue

ROW = np.log([0.5, 0.02, 0.25, 0.15, 0.08])  # tokens 0, 2, 3, 4, 1 by probability
FINITE = arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(-6, 6)
)


def sample(name: str, logits: Any, **options: float) -> np.ndarray:
    sampler = catalogue().load("sampler", name)
    rows = np.atleast_2d(logits)
    return sampler(sampler.Options(**options)).probabilities(rows, numpy_namespace)


def kept(name: str, logits: Any, **options: float) -> list[int]:
    return np.flatnonzero(sample(name, logits, **options)[0]).tolist()


# -- multinomial and the temperature -------------------------------------------------------------


def test_multinomial_draws_what_the_model_has_learned() -> None:
    np.testing.assert_allclose(sample("multinomial", ROW)[0], np.exp(ROW))


def test_the_temperature_is_a_power_of_the_probabilities() -> None:
    squared = np.exp(ROW) ** 2
    found = sample("multinomial", ROW, temperature=0.5)[0]
    np.testing.assert_allclose(found, squared / squared.sum())


def test_adding_a_number_to_all_logits_changes_nothing() -> None:
    np.testing.assert_allclose(sample("multinomial", ROW + 1e4), sample("multinomial", ROW))


@pytest.mark.parametrize("broken", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
def test_logits_that_stand_for_no_distribution_give_nan(broken: list[float]) -> None:
    assert np.isnan(sample("multinomial", broken)).any()


# -- greedy --------------------------------------------------------------------------------------


def test_greedy_takes_the_first_of_equally_good_tokens_at_any_temperature() -> None:
    for temperature in (0.1, 1, 10):
        assert sample("greedy", [1.0, 7.0, 7.0], temperature=temperature).tolist() == [[0, 1, 0]]


# -- top-k ---------------------------------------------------------------------------------------


@given(FINITE, st.integers(1, 15))
def test_top_k_keeps_exactly_k_and_no_better_token_goes(logits: np.ndarray, k: int) -> None:
    for row, probabilities in zip(logits, sample("top-k", logits, k=k), strict=True):
        chosen = probabilities > 0
        assert chosen.sum() == min(k, len(row))
        if not chosen.all():
            assert row[chosen].min() >= row[~chosen].max()


def test_top_k_keeps_the_lowest_ids_of_equally_probable_tokens() -> None:
    assert kept("top-k", [0.0, 1.0, 0.0, 0.0, 0.0], k=3) == [0, 1, 2]


def test_top_k_keeps_the_proportions_of_those_that_it_keeps() -> None:
    np.testing.assert_allclose(sample("top-k", ROW, k=2)[0], [2 / 3, 0, 1 / 3, 0, 0])


# -- top-p ---------------------------------------------------------------------------------------


@given(FINITE, st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_tokens_that_hold_p(logits: np.ndarray, p: float) -> None:
    full = sample("multinomial", logits)
    for before, after in zip(full, sample("top-p", logits, p=p), strict=True):
        count = int((after > 0).sum())
        best = np.cumsum(np.sort(before)[::-1])
        assert best[count - 1] >= p - 1e-9
        assert count == 1 or best[count - 2] < p + 1e-9
        assert before[after > 0].sum() == pytest.approx(best[count - 1])


@pytest.mark.parametrize(
    ("p", "tokens"), [(0.1, [0]), (0.49, [0]), (0.6, [0, 2]), (0.76, [0, 2, 3]), (1, [*range(5)])]
)
def test_top_p_keeps_these(p: float, tokens: list[int]) -> None:
    assert kept("top-p", ROW, p=p) == tokens


def test_top_p_keeps_the_lowest_ids_of_equally_probable_tokens() -> None:
    assert kept("top-p", np.zeros(8), p=0.5) == [0, 1, 2, 3]


# -- min-p ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "tokens"), [(0, [*range(5)]), (0.05, [0, 2, 3, 4]), (0.4, [0, 2]), (1, [0])]
)
def test_min_p_keeps_what_reaches_a_share_of_the_best(share: float, tokens: list[int]) -> None:
    assert kept("min-p", ROW, share=share) == tokens


def test_min_p_keeps_all_of_equally_probable_tokens() -> None:
    assert kept("min-p", np.zeros(4), share=1) == [0, 1, 2, 3]


# -- typical -------------------------------------------------------------------------------------


@given(FINITE, st.floats(0.01, 0.99))
def test_typical_keeps_the_fewest_of_the_most_typical(logits: np.ndarray, mass: float) -> None:
    full = sample("multinomial", logits)
    for before, after in zip(full, sample("typical", logits, mass=mass), strict=True):
        surprise = -np.log(before)
        oddity = np.abs(surprise - (before * surprise).sum())
        chosen = after > 0
        held = np.cumsum(before[np.argsort(oddity)])
        assert chosen.sum() == 1 or held[chosen.sum() - 2] < mass + 1e-9
        assert held[chosen.sum() - 1] >= mass - 1e-9
        assert chosen.all() or oddity[chosen].max() <= oddity[~chosen].min() + 1e-9


def test_typical_may_leave_the_most_probable_token_out() -> None:
    # Entropy 1.50 nats. Surprises: 0.92 for the best, 1.90 for the four others.
    assert kept("typical", np.log([0.4, 0.15, 0.15, 0.15, 0.15]), mass=0.29) == [1, 2]


def test_typical_leaves_equally_probable_tokens_alone_but_for_the_mass() -> None:
    assert kept("typical", np.zeros(8), mass=0.5) == [0, 1, 2, 3]
    assert kept("typical", np.zeros(8), mass=1) == [*range(8)]


# -- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "option", "value", "allowed"),
    [
        ("multinomial", "temperature", 0, "float > 0, ≤ 100"),
        ("top-k", "k", 0, "int ≥ 1"),
        ("top-p", "p", 1.5, "float > 0, ≤ 1"),
        ("min-p", "share", -0.1, "float ≥ 0, ≤ 1"),
        ("typical", "mass", 0, "float > 0, ≤ 1"),
        ("greedy", "temperature", "hot", "float > 0, ≤ 100"),
    ],
)
def test_an_option_out_of_bounds_is_named_with_its_bounds(
    name: str, option: str, value: Any, allowed: str
) -> None:
    sampler = catalogue().load("sampler", name)
    with pytest.raises(OptionError) as caught:
        parse_options(sampler.Options, {option: value}, owner=f"sampler {name}")
    assert repr(option) in caught.value.what
    assert repr(value) in caught.value.what
    assert allowed in caught.value.remedy

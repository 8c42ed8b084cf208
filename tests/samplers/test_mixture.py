"""Several distributions as one: the weighted mean of their log-probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.samplers.mixture import log_probabilities, mixed


def distributions(seed, rows=3, voices=2, tokens=6):
    return np.random.default_rng(seed).normal(0, 3, (rows, voices, tokens)).astype(np.float32)


@given(st.integers(0, 50))
def test_log_probabilities_are_those_of_a_distribution(seed):
    logits = distributions(seed)
    logs = log_probabilities(logits)
    np.testing.assert_allclose(np.exp(logs).sum(axis=-1), 1)
    gaps = np.diff(logs, axis=-1)
    np.testing.assert_allclose(gaps, np.diff(logits.astype(np.float64), axis=-1), atol=1e-9)


@given(st.integers(0, 50), st.floats(0.05, 0.95))
def test_a_mixture_is_the_weighted_product_of_probabilities(seed, share):
    logits = distributions(seed)
    p = np.exp(log_probabilities(logits))
    product = p[:, 0] ** share * p[:, 1] ** (1 - share)
    got = mixed(logits, np.array([share, 1 - share]))
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(log_probabilities(got)), expected, rtol=1e-4, atol=1e-7)
    assert got.dtype == np.float32


def test_a_constant_on_one_of_them_changes_nothing():
    logits = distributions(1)
    shifted = logits + np.array([5, -2], np.float32)[:, None]
    weights = np.array([0.3, 0.7])
    np.testing.assert_allclose(mixed(shifted, weights), mixed(logits, weights), atol=1e-5)


def test_what_one_holds_impossible_is_impossible():
    logits = distributions(2)
    logits[:, 1, 4] = -np.inf
    assert (mixed(logits, np.array([0.9, 0.1]))[:, 4] == -np.inf).all()


@pytest.mark.parametrize("rows", [1, 7])
def test_a_row_is_mixed_as_if_it_were_alone(rows):
    logits, weights = distributions(3, rows=9), np.array([0.25, 0.75])
    np.testing.assert_array_equal(mixed(logits[:rows], weights), mixed(logits, weights)[:rows])

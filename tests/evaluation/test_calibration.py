"""Calibration against distributions whose truth is drawn from them, or from something else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pixelgen.evaluation.calibration import calibration
from pixelgen.evaluation.probabilities import log_softmax

TOKENS, VOCABULARY = 40_000, 12


def drawn(sharpened: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities, and tokens drawn from them; what is said is sharper by a factor."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((TOKENS, VOCABULARY))
    true = np.exp(log_softmax(logits))
    tokens = (true.cumsum(axis=1) < rng.random((TOKENS, 1))).sum(axis=1)
    return log_softmax(logits * sharpened), np.minimum(tokens, VOCABULARY - 1)


def test_what_is_drawn_from_the_model_is_as_it_says():
    found = calibration([drawn(1.0)])
    assert found.temperature == 1.0
    assert found.expected_bits == pytest.approx(found.realised_bits, rel=0.01)
    assert found.expected_calibration_error < 0.01
    for each in found.coverage:
        assert each.actual == pytest.approx(each.nominal, abs=0.01)
    assert "mean what they say" in found.explanation


@pytest.mark.parametrize("sharpened, word", [(2.0, "too sure"), (1 / 1.5, "not sure enough")])
def test_a_temperature_takes_back_what_was_sharpened(sharpened, word):
    found = calibration([drawn(sharpened)])
    assert found.temperature == pytest.approx(sharpened, abs=0.05)
    assert found.temperature_gain > 0.02
    assert (found.realised_bits > found.expected_bits) == (sharpened > 1)
    assert word in found.explanation


def test_bits_are_those_of_the_true_tokens_divided_by_a_tokens_pixels():
    log_probabilities = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]))
    found = calibration([(log_probabilities, np.array([1, 0]))], pixels_per_token=4)
    assert found.realised_bits == pytest.approx((2 + 3) / 2 / 4)
    entropies = (1.5, -(0.25 * math.log2(0.125) + 0.75 * math.log2(0.75)))
    assert found.expected_bits == pytest.approx(sum(entropies) / 2 / 4)
    assert found.accuracy == 0


def test_batches_add_up():
    log_probabilities, tokens = drawn(1.0)
    halves = [(log_probabilities[k::2], tokens[k::2]) for k in (0, 1)]
    whole, parts = calibration([(log_probabilities, tokens)]), calibration(halves)
    assert parts.tokens == whole.tokens
    assert parts.realised_bits == pytest.approx(whole.realised_bits)
    assert parts.expected_calibration_error == pytest.approx(whole.expected_calibration_error)

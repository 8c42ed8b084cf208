"""Epsilon conforms, and does what it is for."""

from collections.abc import Callable

import numpy as np
from pixelgen.testing import parametrize_with_checks

from pixelgen_epsilon.sampler import Epsilon


@parametrize_with_checks("epsilon")
def test_conformance(check: Callable[[], None]) -> None:
    check()


def test_the_best_token_is_never_lost() -> None:
    logits = np.array([[0.0, 9.0, 1.0]], np.float32)
    sampler = Epsilon(Epsilon.Options())
    drawn = sampler.probabilities(logits, np)
    assert drawn[0].argmax() == 1

import array_api_compat.numpy as xp
import numpy as np

from pixelgen_epsilon.sampler import Epsilon


def test_the_tail_is_cut_and_the_rest_keeps_its_proportions() -> None:
    sampler = Epsilon(Epsilon.Options(epsilon=0.1))
    logits = np.log(np.array([[0.6, 0.3, 0.06, 0.04]]))
    np.testing.assert_allclose(sampler.probabilities(logits, xp), [[2 / 3, 1 / 3, 0, 0]])


def test_the_best_token_stays_however_unlikely() -> None:
    sampler = Epsilon(Epsilon.Options(epsilon=0.9))
    logits = np.log(np.array([[0.4, 0.35, 0.25]]))
    np.testing.assert_allclose(sampler.probabilities(logits, xp), [[1, 0, 0]])

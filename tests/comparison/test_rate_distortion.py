import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.comparison.rate_distortion import psnr, residual_bits


def test_psnr():
    assert psnr(65.025) == pytest.approx(30.0)  # 255² / 65.025 = 1000
    assert psnr(0) == math.inf


def test_what_loses_nothing_costs_nothing():
    assert residual_bits(np.zeros(3), 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("mse", [4.0, 25.0, 400.0])
def test_of_a_larger_error_it_is_the_entropy_of_a_gaussian(mse):
    gaussian = 0.5 * math.log2(2 * math.pi * math.e * mse)
    assert residual_bits(np.array([mse]), 3) == pytest.approx([3 * gaussian], abs=0.003)


def test_of_a_small_error_it_is_the_entropy_of_being_right_or_one_off():
    # r is 0 but for 1 in 100, and then −1 or 1 alike.
    share = 0.01
    entropy = -(1 - share) * math.log2(1 - share) - share * math.log2(share / 2)
    assert residual_bits(np.array([share]), 1) == pytest.approx([entropy], abs=1e-4)


def test_one_code_for_all_pictures():
    bits = residual_bits(np.array([0.0, 10.0, 20.0]), 3)
    assert bits[2] - bits[1] == pytest.approx(bits[1] - bits[0])
    assert bits.mean() == pytest.approx(residual_bits(np.array([10.0]), 3)[0])
    assert (bits > 0).all()


@given(st.floats(1e-6, 2e4), st.floats(1.01, 10))
def test_more_error_costs_more(mse, factor):
    less, more = (residual_bits(np.array([each]), 3)[0] for each in (mse, mse * factor))
    assert 0 < less < more

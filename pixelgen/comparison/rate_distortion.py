"""Bits and distortion in one number, so that vocabularies of any size can be compared.

A coarse tokenizer makes tokens easy to predict by throwing away what is hard. What it threw away
still has to be paid for: to restore the very pixels, the difference between the picture and its
decoded tokens must be sent as well. The two together are an upper bound on −log2 p(pixels) under
the model with noise added to its palette, which is what the literature calls a likelihood.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

PEAK = 255


def psnr(mse: float) -> float:
    """Return the peak signal-to-noise ratio in dB of a mean squared error a channel; 8 bits."""
    return math.inf if mse <= 0 else 10 * math.log10(PEAK**2 / mse)


def residual_bits(mse: np.ndarray, channels: int) -> np.ndarray:
    """Return what restoring the pixels costs beyond the tokens, in bits a pixel: as `mse`.

    Whole-number differences are coded with the discrete Gaussian p(r) ∝ exp(−β r²), r from −255 to
    255, whose β suits the mean of all pictures: of all codes for differences of that mean square,
    the one that assumes least (the distribution of greatest entropy). It takes
    (β · mse + ln Z) / ln 2 bits a channel, whatever the differences look like otherwise.

    Args:
        mse: mean squared error a channel, by picture, of any shape.
        channels: 3 or 4.
    """
    mean = float(np.mean(mse))
    if mean <= 1e-9:  # the tokens are the pixels
        return np.zeros_like(mse)
    beta = _beta(round(mean, 9))
    bits: np.ndarray = channels * (beta * mse + _log_partition(beta)) / math.log(2)
    return bits


def _log_partition(beta: float) -> float:
    squares = np.arange(-PEAK, PEAK + 1.0) ** 2
    return math.log(float(np.exp(-beta * squares).sum()))


@cache
def _beta(mse: float) -> float:
    """The β whose discrete Gaussian has this mean square; it falls as the mean square rises."""
    squares = np.arange(-PEAK, PEAK + 1.0) ** 2
    low, high = math.log(1e-9), math.log(1e3)
    for _ in range(200):
        middle = (low + high) / 2
        weights = np.exp(-math.exp(middle) * squares)
        if float((weights * squares).sum() / weights.sum()) > mse:
            low = middle
        else:
            high = middle
    return math.exp(high)

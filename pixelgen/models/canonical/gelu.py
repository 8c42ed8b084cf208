"""γ, the Gaussian error linear unit in its tanh form, and its slope."""

from __future__ import annotations

import math

import numpy as np

_SCALE = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def gelu(a: np.ndarray) -> np.ndarray:
    """Return 0.5 a (1 + tanh(√(2/π) (a + 0.044715 a³))), elementwise."""
    y: np.ndarray = a * a
    y *= _SCALE * _CUBIC
    y += _SCALE
    y *= a
    np.tanh(y, out=y)
    y += 1
    y *= a
    y *= 0.5
    return y


def gelu_slope(a: np.ndarray) -> np.ndarray:
    """Return dγ/da, elementwise."""
    square = a * a
    t = np.tanh(_SCALE * a * (1 + _CUBIC * square))
    slope: np.ndarray = 0.5 * (1 + t) + 0.5 * a * (1 - t * t) * _SCALE * (1 + 3 * _CUBIC * square)
    return slope

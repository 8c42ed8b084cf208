"""Student's t distribution, for whole degrees of freedom."""

from __future__ import annotations

import math
from collections.abc import Sequence

INTERVAL = 0.95


def satterthwaite(parts: Sequence[tuple[float, int]]) -> int:
    """Return the degrees of freedom of a sum of variances, rounded down; at least 1.

    Args:
        parts: each variance, of which not all are 0, and its degrees of freedom.
    """
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / df for variance, df in parts)
    return max(1, math.floor(freedom * (1 + 1e-9)))  # which is df itself where there is one


def t_tail(t: float, freedom: int) -> float:
    """The chance that Student's t of so many degrees of freedom is above t ≥ 0.

    The finite sums of Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and 4.
    """
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    term, total = (cosine, cosine) if freedom % 2 else (1.0, 1.0)
    for k in range(3 if freedom % 2 else 2, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    if freedom % 2:
        inside = 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))
    else:
        inside = sine * total
    return max(0.0, (1 - inside) / 2)


def t_bound(freedom: int) -> float:
    """What Student's t exceeds on either side with a chance of 1 − `INTERVAL` together."""
    low, high = 0.0, 1e3
    for _ in range(60):
        middle = (low + high) / 2
        beyond = t_tail(middle, freedom) > (1 - INTERVAL) / 2
        low, high = (middle, high) if beyond else (low, middle)
    return high

"""The tokens that score highest, with ties settled alike on every array library."""

from __future__ import annotations

from typing import Any


def highest(scores: Any, least: Any, count: Any, xp: Any) -> Any:
    """Return which tokens are among the `count` highest scores of their row.

    Sorts leave the order of equal scores to the library; here the lowest token ids win.

    Args:
        scores: (M, V) float.
        least: (M, 1), the lowest score that is still among the highest.
        count: how many tokens to take: a number, or one a row as (M, 1) int.
        xp: the array namespace.

    Returns:
        (M, V) bool with exactly `count` true in each row.
    """
    above = scores > least
    level = scores == least
    # The standard sums numbers alone, and no truth values.
    taken = xp.sum(xp.astype(above, xp.int32), axis=-1, keepdims=True, dtype=xp.int32)
    rank = xp.cumulative_sum(xp.astype(level, xp.int32), axis=-1, dtype=xp.int32)
    return above | (level & (rank <= count - taken))  # taken (M, 1), rank (M, V)


def count_for_mass(ranked: Any, mass: float, xp: Any) -> Any:
    """Return how many of the first probabilities of each row hold `mass` between them.

    Args:
        ranked: (M, V) probabilities, those to be taken first in front.
        mass: above 0, and below 1.
        xp: the array namespace.

    Returns:
        (M, 1) int, from 1 to V: the fewest whose sum is at least `mass`.
    """
    short = xp.astype(xp.cumulative_sum(ranked, axis=-1) < mass, xp.int64)
    # The last sum is one, but for rounding: leave it out, and the count never exceeds V.
    return xp.sum(short[:, :-1], axis=-1, keepdims=True, dtype=xp.int64) + 1

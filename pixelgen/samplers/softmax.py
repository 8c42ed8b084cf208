"""From logits to probabilities, and from probabilities to fewer of them."""

from __future__ import annotations

from typing import Any

import numpy as np


def softmax(logits: Any, temperature: float, xp: Any) -> Any:
    """Return the probabilities that logits stand for at a temperature.

    Args:
        logits: (M, V) float32 or float64; `-inf` forbids a token. A row with `nan` or `+inf`, or
            with nothing but `-inf`, stands for no distribution and gives `nan`.
        temperature: above 0; the logits are divided by it.
        xp: the array namespace of `logits`.

    Returns:
        (M, V) of the same type; every row sums to one.
    """
    temperature = max(temperature, float(xp.finfo(logits.dtype).smallest_normal))
    # NumPy would warn of a difference too large for its type. It becomes -inf, and that is right.
    with np.errstate(over="ignore", invalid="ignore"):
        weights = logits - xp.max(logits, axis=-1, keepdims=True)
        if temperature != 1:
            weights /= temperature
    weights = xp.exp(weights)
    weights /= xp.sum(weights, axis=-1, keepdims=True)
    return weights


def restrict(probabilities: Any, keep: Any, xp: Any) -> Any:
    """Return the probabilities given that one of the tokens in `keep` is drawn.

    Args:
        probabilities: (M, V) float.
        keep: (M, V) bool, with at least one token of positive probability in each row.
        xp: their array namespace.

    Returns:
        (M, V) of the same type; zero outside `keep`, and every row sums to one.
    """
    kept = xp.where(keep, probabilities, xp.zeros_like(probabilities))
    kept /= xp.sum(kept, axis=-1, keepdims=True)
    return kept

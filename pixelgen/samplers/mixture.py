"""Several distributions at once: their logits as one."""

from __future__ import annotations

import numpy as np


def mixed(logits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of log-probabilities, which are logits again.

    A token that one of the distributions holds to be impossible is so in the mixture: between two
    kinds of pictures, not now the one and now the other. (A logarithmic opinion pool: Genest and
    Zidek, "Combining probability distributions", 1986.)

    Args:
        logits: (M, G, V) float, G distributions for each draw.
        weights: (G,) float, positive, of sum one.

    Returns:
        (M, V) float of the same type.
    """
    pooled: np.ndarray = np.einsum("mgv,g->mv", log_probabilities(logits), weights)
    return pooled.astype(logits.dtype)


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return ln softmax over the last axis, in float64."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return wide

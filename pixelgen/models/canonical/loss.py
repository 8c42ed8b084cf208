"""Cross-entropy through the output layer, a slice of positions at a time to bound the memory.

N positions, V tokens, Z numbers in an output vector.
"""

from __future__ import annotations

import numpy as np

ROWS = 512  # of a slice: 512 × 1,000 float32 logits are 2 MB


def nats(z: np.ndarray, vectors: np.ndarray, bias: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −ln softmax(u z + bias)[target] at each position: (N,).

    Args:
        z: (N, Z).
        vectors: u (V, Z), a vector a token.
        bias: (V,).
        targets: (N,) integers.
    """
    result = np.empty(len(z), z.dtype)
    for first in range(0, len(z), ROWS):
        part = slice(first, first + ROWS)
        logits = z[part] @ vectors.T + bias  # (rows, V)
        chosen = logits[np.arange(len(logits)), targets[part]]
        most = logits.max(axis=1)
        logits -= most[:, None]
        np.exp(logits, out=logits)
        result[part] = np.log(logits.sum(axis=1)) + most - chosen
    return result


def mean_cross_entropy(
    z: np.ndarray, vectors: np.ndarray, bias: np.ndarray, targets: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of the nats, and its gradients by z (N, Z), u (V, Z) and bias (V,).

    At the logits the gradient is (softmax − [token = target]) / N.
    """
    count = len(z)
    total = 0.0
    d_z = np.empty_like(z)
    d_vectors, d_bias = np.zeros_like(vectors), np.zeros_like(bias)
    for first in range(0, count, ROWS):
        part = slice(first, first + ROWS)
        p = z[part] @ vectors.T + bias  # (rows, V), logits as yet
        at_target = np.arange(len(p)), targets[part]
        p -= p.max(axis=1, keepdims=True)
        chosen = p[at_target]
        np.exp(p, out=p)
        sums = p.sum(axis=1, keepdims=True)
        total += float((np.log(sums[:, 0]) - chosen).sum(dtype=np.float64))
        p /= sums
        p[at_target] -= 1
        p *= 1 / count
        d_z[part] = p @ vectors
        d_vectors += p.T @ z[part]
        d_bias += p.sum(axis=0)
    return total / count, d_z, d_vectors, d_bias

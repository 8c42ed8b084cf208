"""Muon: a matrix is moved by the nearest orthogonal matrix to its gradients' running mean.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). All singular values
of a move are about alike, so that what few positions ask for is learned with what most ask for. At
each step, for each block of a matrix,

    m ← 0.95 m + 0.05 g
    X = (0.95 m + 0.05 g) / ‖0.95 m + 0.05 g‖
    X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X,  so many times                  (Newton and Schulz)
    w ← (1 - r · decay) w - r √max(1, rows / columns) X,  r = 5 · rate

The four gates of an LSTM's weights are a block each. Embeddings, the tokens' output vectors, biases
and all else that is no matrix between two layers are AdamW's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MEAN = 0.95  # the decay of the running mean
A, B, C = 3.4445, -4.7750, 2.0315  # Jordan's, for singular values soon between 0.7 and 1.2
ITERATIONS = 5
RATE = 5.0  # times the learning rate of the rest
SMALLEST = 1e-7  # added to a norm

# What is 2-d and yet no layer: rows that are looked up by their numbers, or are compared with.
_LOOKED_UP = ("token_in.", "row_in.", "column_in.", "level_in.", "group_in.", "tables")
_COMPARED = ("output.free", "output.weight")


def is_matrix(name: str, shape: Sequence[int]) -> bool:
    """Whether a weight of this name is moved by Muon, and not by AdamW."""
    return len(shape) == 2 and not name.startswith((*_LOOKED_UP, *_COMPARED))


def blocks_of(name: str) -> int:
    """Return into how many blocks of rows a matrix is cut."""
    return 4 if name.startswith("lstm.") else 1


def factor(rows: int, columns: int) -> float:
    """Return what a block's move is multiplied by besides the rate."""
    return RATE * math.sqrt(max(1.0, rows / columns))


def orthogonal(block: np.ndarray) -> np.ndarray:
    """Return about the nearest orthogonal matrix to a block (R, C) float32."""
    x = block if block.shape[0] <= block.shape[1] else block.T
    x = x / (np.linalg.norm(x) + SMALLEST)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = A * x + (B * square + C * (square @ square)) @ x
    return x if block.shape[0] <= block.shape[1] else x.T

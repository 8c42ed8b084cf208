"""Muon on PyTorch; `pixelgen.models.canonical.muon` tells what it does.

Blocks of one shape go through the iteration together, with products in the dtype of the network's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pixelgen.models.canonical.muon import (
    ITERATIONS,
    MEAN,
    RATE,
    SMALLEST,
    A,
    B,
    C,
    blocks_of,
    factor,
)


class Muon:
    """Moves matrices along their gradients.

    Attributes:
        means: the running mean of each matrix's gradient, by its name.
    """

    def __init__(self, matrices: Mapping[str, Tensor], dtype: torch.dtype) -> None:
        self.means = {name: torch.zeros_like(matrix) for name, matrix in matrices.items()}
        self._matrices, self._dtype = dict(matrices), dtype
        self._alike: dict[tuple[int, int], list[str]] = {}  # names by the shape of a block
        for name, matrix in matrices.items():
            shape = (len(matrix) // blocks_of(name), matrix.shape[1])
            self._alike.setdefault(shape, []).append(name)

    @torch.no_grad()
    def step(self, rate: float, decay: float) -> None:
        """Move all matrices along the gradients in `grad`.

        Args:
            rate: the learning rate of the rest.
            decay: of the weights.
        """
        for shape, names in self._alike.items():
            wanted = torch.cat([self._wanted(name, shape) for name in names])
            moves = orthogonal(wanted, self._dtype)
            sizes = [blocks_of(name) for name in names]
            for name, move in zip(names, moves.split_with_sizes(sizes), strict=True):
                matrix = self._matrices[name]
                matrix.mul_(1 - rate * RATE * decay)
                matrix.sub_(move.reshape(matrix.shape), alpha=rate * factor(*shape))

    def _wanted(self, name: str, shape: tuple[int, int]) -> Tensor:
        """The blocks (K, R, C) whose directions a matrix is to be moved in."""
        gradient, mean = self._matrices[name].grad, self.means[name]
        assert gradient is not None
        mean.lerp_(gradient, 1 - MEAN)
        return gradient.lerp(mean, MEAN).view(-1, *shape)


def orthogonal(blocks: Tensor, dtype: torch.dtype) -> Tensor:
    """Return about the nearest orthogonal matrices to blocks (K, R, C) float32, as such.

    Args:
        blocks: any.
        dtype: of the products.
    """
    tall = blocks.shape[1] > blocks.shape[2]
    x = blocks.mT if tall else blocks
    x = (x / (torch.linalg.matrix_norm(x, keepdim=True) + SMALLEST)).to(dtype)
    for _ in range(ITERATIONS):
        square = torch.bmm(x, x.mT)
        polynomial = torch.baddbmm(square, square, square, beta=B, alpha=C)
        x = torch.baddbmm(x, polynomial, x, beta=A)
    return (x.mT if tall else x).to(blocks.dtype)

"""Muon on PyTorch; `pixelgen.models.canonical.muon` tells what it does.

Blocks of one shape go through the iteration together, with products in the dtype of the network's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

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


class Plan(NamedTuple):
    """What a step comes to, by the matrices' names.

    Attributes:
        means: the running means with the gradients of this step in them.
        directions: the blocks (K, R, C) that the matrices are moved by, about orthogonal.
    """

    means: dict[str, Tensor]
    directions: dict[str, Tensor]


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
    def plan(self) -> Plan:
        """Return where the gradients in `grad` lead, which takes memory; nothing is changed yet."""
        means: dict[str, Tensor] = {}
        directions: dict[str, Tensor] = {}
        for shape, names in self._alike.items():
            wanted = []
            for name in names:
                gradient = self._matrices[name].grad
                assert gradient is not None
                means[name] = self.means[name].lerp(gradient, 1 - MEAN)
                wanted.append(gradient.lerp(means[name], MEAN).view(-1, *shape))
            moves = orthogonal(torch.cat(wanted), self._dtype)
            sizes = [blocks_of(name) for name in names]
            directions |= zip(names, moves.split_with_sizes(sizes), strict=True)
        return Plan(means, directions)

    @torch.no_grad()
    def step(self, plan: Plan, rate: float, decay: float) -> None:
        """Move all matrices as planned.

        Args:
            plan: of the gradients.
            rate: the learning rate of the rest.
            decay: of the weights.
        """
        self.means = plan.means
        for name, direction in plan.directions.items():
            matrix = self._matrices[name]
            matrix.mul_(1 - rate * RATE * decay)
            size = rate * factor(*direction.shape[1:])
            matrix.sub_(direction.reshape(matrix.shape), alpha=size)


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

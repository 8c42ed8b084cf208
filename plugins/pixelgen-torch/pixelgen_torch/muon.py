"""Muon on PyTorch; `pixelgen.models.canonical.muon` tells what it does.

Blocks of one shape go through the iteration together, with products in the dtype of the network's.
On a GPU, where what costs is the number of products, all do: lying, and with zeros around them,
which stay zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

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
from pixelgen_torch.device import is_gpu


class Plan(NamedTuple):
    """What a step comes to, by the matrices' names.

    Attributes:
        means: the running means with the gradients of this step in them.
        directions: what the matrices are moved by, in blocks that are about orthogonal.
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
        wanted: list[Tensor] = []  # of one shape: (K, R, C) each
        for shape, names in self._alike.items():
            alike = []
            for name in names:
                gradient = self._matrices[name].grad
                assert gradient is not None
                means[name] = self.means[name].lerp(gradient, 1 - MEAN)
                alike.append(gradient.lerp(means[name], MEAN).view(-1, *shape))
            wanted.append(torch.cat(alike))
        if wanted and is_gpu(wanted[0].device):
            moved = orthogonal_together(wanted, self._dtype)
        else:
            moved = [orthogonal(blocks, self._dtype) for blocks in wanted]
        for names, moves in zip(self._alike.values(), moved, strict=True):
            sizes = [blocks_of(name) for name in names]
            for name, move in zip(names, moves.split_with_sizes(sizes), strict=True):
                directions[name] = move.reshape(self._matrices[name].shape)
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
        for shape, names in self._alike.items():
            for name in names:
                matrix = self._matrices[name]
                matrix.mul_(1 - rate * RATE * decay)
                matrix.sub_(plan.directions[name], alpha=rate * factor(*shape))


def orthogonal_together(groups: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Return what `orthogonal` does of several groups of blocks (K, R, C), by fewer products."""
    lying = [blocks.mT if _is_tall(blocks) else blocks for blocks in groups]
    rows, columns = (max(blocks.shape[axis] for blocks in lying) for axis in (1, 2))
    padded = [
        functional.pad(blocks, (0, columns - blocks.shape[2], 0, rows - blocks.shape[1]))
        for blocks in lying
    ]
    moved = orthogonal(torch.cat(padded), dtype).split_with_sizes([len(each) for each in lying])
    cut = [
        move[:, : blocks.shape[1], : blocks.shape[2]]
        for move, blocks in zip(moved, lying, strict=True)
    ]
    return [move.mT if _is_tall(blocks) else move for move, blocks in zip(cut, groups, strict=True)]


def orthogonal(blocks: Tensor, dtype: torch.dtype) -> Tensor:
    """Return about the nearest orthogonal matrices to blocks (K, R, C) float32, as such.

    Args:
        blocks: any.
        dtype: of the products.
    """
    tall = _is_tall(blocks)
    x = blocks.mT if tall else blocks
    x = (x / (torch.linalg.matrix_norm(x, keepdim=True) + SMALLEST)).to(dtype)
    for _ in range(ITERATIONS):
        square = torch.bmm(x, x.mT)
        polynomial = torch.baddbmm(square, square, square, beta=B, alpha=C)
        x = torch.baddbmm(x, polynomial, x, beta=A)
    return (x.mT if tall else x).to(blocks.dtype)


def _is_tall(blocks: Tensor) -> bool:
    return blocks.shape[1] > blocks.shape[2]

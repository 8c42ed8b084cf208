"""The neighbours' output vectors in z, by heads, and the way back.

    z_g += Σ_{j<J} a_{gJ+j} (u_{t_j})_g         for each head g

A bag of J vectors with a weight each: PyTorch's `embedding_bag` sums them without ever holding the
N J vectors that are summed. The gradient of u is such a bag too, with the roles turned: a token's
bag has, for every time that it was a neighbour, that position's gradient, weighted as it was.
Sorted by tokens that takes a tenth of the time of PyTorch's own gradient on a CPU. A GPU goes
through a bag with one thread, and those of common tokens are long: there it is PyTorch's own.

N positions, V tokens, J tied neighbours t_j, Z numbers in an output vector, G heads of D = Z / G.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from pixelgen_torch.device import is_gpu
from pixelgen_torch.tables import in_order


def tied_sum(weights: Tensor, vectors: Tensor, neighbours: Tensor) -> Tensor:
    """Return the weighted sums of the neighbours' output vectors: (N, Z) in the weights' dtype.

    Args:
        weights: a (N, G J); for each head, one a neighbour.
        vectors: u (V, Z). "Outside" is V, and adds nothing.
        neighbours: (N, J) int64 in [0, V].
    """
    if is_gpu(vectors.device):
        return plain_tied_sum(weights, vectors, neighbours)
    result: Tensor = _TiedSum.apply(weights, vectors, neighbours)  # type: ignore[no-untyped-call]
    return result


def plain_tied_sum(weights: Tensor, vectors: Tensor, neighbours: Tensor) -> Tensor:
    """Return `tied_sum` with PyTorch's own gradient."""
    table = by_head(vectors, weights.shape[1] // neighbours.shape[1])
    return bags(table, weights.to(vectors.dtype), neighbours).to(weights.dtype)


def by_head(vectors: Tensor, heads: int) -> Tensor:
    """Return the heads of u (V, Z), one below another, and zeros for "outside": ((V + 1) G, D)."""
    return functional.pad(vectors, (0, 0, 0, 1)).reshape((len(vectors) + 1) * heads, -1)


def bags(table: Tensor, weights: Tensor, neighbours: Tensor) -> Tensor:
    """Return `tied_sum` (N, Z) in the table's dtype.

    Args:
        table: of `by_head`.
        weights: (N, G J) in the table's dtype.
        neighbours: (N, J) int64.
    """
    rows, tied = neighbours.shape
    heads = weights.shape[1] // tied
    numbers = torch.arange(heads, device=neighbours.device)
    entries = (neighbours[:, None] * heads + numbers[:, None]).view(-1, tied)  # (N G, J)
    summed = functional.embedding_bag(
        entries, table, mode="sum", per_sample_weights=weights.reshape(-1, tied)
    )
    return summed.view(rows, -1)


class _TiedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, vectors: Tensor, neighbours: Tensor) -> Tensor:
        wide = weights.to(vectors.dtype)
        table = by_head(vectors, weights.shape[1] // neighbours.shape[1])
        ctx.save_for_backward(wide, table, neighbours)
        ctx.dtype = weights.dtype
        return bags(table, wide, neighbours).to(weights.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        weights, table, neighbours = ctx.saved_tensors
        d = upstream.to(table.dtype)  # dL/dz (N, Z)
        rows, tied = neighbours.shape
        heads = weights.shape[1] // tied
        size = table.shape[1]
        vectors = table.view(-1, heads * size)  # (V + 1, Z)
        taken = functional.embedding(neighbours, vectors).view(rows, tied, heads, size)
        d_weights = taken.mul_(d.view(rows, 1, heads, size)).sum(3).transpose(1, 2)  # (N, G, J)
        d_vectors = _by_token(weights, d, neighbours, len(vectors))
        return d_weights.reshape(rows, -1).to(ctx.dtype), d_vectors[:-1], None


def _by_token(weights: Tensor, d: Tensor, neighbours: Tensor, tokens: int) -> Tensor:
    """dL/du (tokens, Z) of dL/dz (N, Z): of each token's bag, as this file's docstring says."""
    rows, tied = neighbours.shape
    heads = weights.shape[1] // tied
    order, firsts = in_order(neighbours.flatten(), tokens)  # (N J,), (tokens,)
    of_head = weights.view(rows, heads, tied).transpose(1, 2).reshape(-1, heads)  # (N J, G)
    numbers = torch.arange(heads)
    entries = order.div(tied, rounding_mode="floor") * heads + numbers[:, None]  # (G, N J)
    summed = functional.embedding_bag(
        entries.flatten(),
        d.reshape(rows * heads, -1),
        (firsts + numbers[:, None] * len(order)).flatten(),
        mode="sum",
        per_sample_weights=of_head.index_select(0, order).t().reshape(-1),
    )  # (G tokens, D)
    return summed.view(heads, tokens, -1).transpose(0, 1).reshape(tokens, -1)

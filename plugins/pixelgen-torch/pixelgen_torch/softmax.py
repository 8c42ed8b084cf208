"""Cross-entropy through the output layer, a slice of rows at a time.

The probabilities of all positions and tokens never exist at once in float32: a slice's logits are
made, turned into its loss and its gradient while they are still in the cache, and only the
gradient, in the products' dtype, is kept for the two products that need it whole. The bias's is its
sum over the rows, which is taken slice by slice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pixelgen_torch.device import is_gpu

ROWS = 512  # of a slice on a CPU: 512 × 1,000 float32 logits are 2 MB
AT_ONCE = 1 << 25  # logits of a slice on a GPU, where what costs is the number of slices
LEAST = torch.finfo(torch.float32).tiny


def mean_cross_entropy(z: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of −ln softmax(z vectorsᵀ + bias)[target] in nats.

    Args:
        z: (N, Z); its dtype is that of the products.
        vectors: (V, Z), one output vector a token.
        bias: (V,).
        targets: (N,) int64.
    """
    loss: Tensor = _CrossEntropy.apply(z, vectors, bias, targets)  # type: ignore[no-untyped-call]
    return loss


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        count, tokens = len(z), len(vectors)
        wide = torch.promote_types(z.dtype, torch.float32)
        u, b = vectors.to(z.dtype), bias.to(z.dtype)
        d_logits = torch.empty(count, tokens, dtype=z.dtype, device=z.device)
        total = torch.zeros((), dtype=wide, device=z.device)
        d_bias = torch.zeros(tokens, dtype=wide, device=z.device)
        on_gpu = is_gpu(z.device)
        rows = max(ROWS, AT_ONCE // tokens) if on_gpu else ROWS
        for first in range(0, count, rows):
            part = slice(first, first + rows)
            target = targets[part, None]
            logits = torch.addmm(b, z[part], u.t())
            if on_gpu:  # which would have to be waited for to know whether some p is too small
                d = torch.log_softmax(logits, 1, dtype=wide)
                total -= d.gather(1, target).sum()
                d.exp_()
            else:
                d = torch.softmax(logits, 1, dtype=wide)
                p = d.gather(1, target)
                if p.amin() < LEAST:  # of which the logarithm is not exact
                    total -= torch.log_softmax(logits, 1, dtype=wide).gather(1, target).sum()
                else:
                    total -= p.log_().sum()
            d.scatter_add_(1, target, d.new_full(target.shape, -1.0))  # p - [token = target]
            d_bias += d.sum(0)
            torch.mul(d, 1 / count, out=d_logits[part])
        ctx.save_for_backward(z, u, d_logits, d_bias.div_(count))
        ctx.dtypes = vectors.dtype, bias.dtype
        return total / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        z, u, d_logits, d_bias = ctx.saved_tensors
        vectors_dtype, bias_dtype = ctx.dtypes
        d_z = (d_logits @ u) * upstream  # a scalar, which rounds nothing and keeps the dtype
        d_vectors = (d_logits.t() @ z).to(vectors_dtype) * upstream
        return d_z, d_vectors, d_bias.to(bias_dtype) * upstream, None

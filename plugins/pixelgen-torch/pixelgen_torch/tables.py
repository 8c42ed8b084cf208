"""Sums of a table's rows, and their gradient without a pass over the table for each.

The gradient of a row is the sum of the gradients of all sums that it is part of: a bag as well,
once the entries are sorted. On a CPU sums and gradient take less than half of the time of PyTorch's
own. A GPU goes through a bag with one thread, and some bags are long: there it is PyTorch's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from pixelgen_torch.device import is_gpu


def summed_rows(table: Tensor, entries: Tensor) -> Tensor:
    """Return the sums (N, E) of the rows `table[entries]`.

    Args:
        table: (R, E).
        entries: (N, K) int64 in [0, R).
    """
    if is_gpu(table.device):
        return functional.embedding_bag(entries, table, mode="sum")
    result: Tensor = _SummedRows.apply(table, entries)  # type: ignore[no-untyped-call]
    return result


def in_order(numbers: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sort numbers (M,) below `count`, on the CPU.

    Returns:
        Where each of them stood (M,), equal ones as they stand; and where in that order the first
        of each number is, or would be (count,).
    """
    short = np.uint16 if count <= 1 << 16 else np.uint32  # 16 bits are sorted by their digits
    order = torch.from_numpy(np.argsort(numbers.numpy().astype(short), kind="stable"))
    return order, torch.searchsorted(numbers[order], torch.arange(count))


class _SummedRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, entries: Tensor) -> Tensor:
        ctx.save_for_backward(entries)
        ctx.rows = len(table)
        return functional.embedding_bag(entries, table, mode="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (entries,) = ctx.saved_tensors
        order, firsts = in_order(entries.flatten(), ctx.rows)
        sums = order.div(entries.shape[1], rounding_mode="floor")  # that each entry is part of
        return functional.embedding_bag(sums, upstream, firsts, mode="sum"), None

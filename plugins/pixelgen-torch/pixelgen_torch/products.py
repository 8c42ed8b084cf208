"""Matrix products whose rows are bit-identical however many rows there are.

Painting needs it: a seed must mean the same picture alone and among others. Two things break it in
PyTorch on a CPU. A BLAS takes another kernel, which sums in another order, for a few rows than for
many. And an elementwise function such as a sigmoid gives its last few numbers, at the end of a
tensor or of a thread's share of it, to scalar code, which rounds differently from vector code.
Hence: products through oneDNN with weights packed beforehand, which sums each row alike at any
number of rows (on old processors, at any but one) and is the fastest too; where it is not there,
rows are padded to a multiple of 16;
widths that are multiples of 64, so that threads never share a vector of a row; and elementwise
work in blocks too small to be shared among threads at all.

On a GPU kernels are chosen by the shape. There every step is of one shape: rows are taken so many
at a time, and fewer are filled up to as many. That a row's last bits do not depend on its place
among them either, libraries do not promise; `test_torch_painter.py` looks, where there is a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

WIDTH = 64  # widths are padded to a multiple of this: two vectors of 16 float32, and then some
ONE_THREAD = 32768 - 1  # PyTorch shares elementwise work on more numbers than this among threads
PACKED_FOR = 32  # rows that the packed layout is chosen for; it serves any number
SPARE = 8  # a number of rows is padded by an eighth of it at most, or to the multiple


class Product:
    """x ↦ x weightᵀ + bias in one dtype, without gradients."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        out = padded(len(weight))
        self._weight = pad_to(weight, out, weight.shape[1]).to(dtype)  # (out', in)
        self._bias = None if bias is None else pad_to(bias, out).to(dtype)
        self._packed = None
        if packing_works() and weight.device.type == "cpu":
            self._packed = torch.ops.mkldnn._reorder_linear_weight(self._weight, PACKED_FOR)

    def __call__(self, x: Tensor) -> Tensor:
        """Return (M, out') in the product's dtype of x (M, in) in any.

        M and out' are multiples of `row_multiple` and of `WIDTH`.
        """
        x = x.to(self._weight.dtype)
        if self._packed is None:
            return functional.linear(x, self._weight, self._bias)
        result: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._packed, self._bias, "none", [], ""
        )
        return result


def row_multiple(device: torch.device) -> int:
    """Return what the number of rows must be a multiple of on this device."""
    return 2 if device.type == "cpu" and packing_works() else 16


def rows_padded(rows: int, multiple: int) -> int:
    """Return the number of rows to compute for so many: one of a few, and little above.

    oneDNN keeps code and buffers for each number of rows that it has met. For a large picture,
    whose schedule has waves of all sizes, that was half a gigabyte.
    """
    return padded(rows, max(multiple, 1 << max(0, (rows // SPARE).bit_length() - 1)))


def packing_works() -> bool:
    """Whether this PyTorch has the products with packed weights that its compiler uses."""
    available = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return available and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")


def packing_takes_bfloat16() -> bool:
    """Whether those products take bfloat16 on this processor; where not, they are an error."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def blocks(numbers: Tensor) -> Iterator[slice]:
    """Cut the rows of numbers (M, N) into blocks that one thread of a CPU works on alone."""
    rows, width = numbers.shape
    most = max(1, ONE_THREAD // width if numbers.device.type == "cpu" else rows)
    for first in range(0, rows, most):
        yield slice(first, min(first + most, rows))


def padded(size: int, multiple: int = WIDTH) -> int:
    """Return the least multiple of `multiple` that is not below `size`."""
    return -(-size // multiple) * multiple


def pad_to(weight: Tensor, *shape: int) -> Tensor:
    """Return `weight` with zeros appended up to `shape`."""
    larger = weight.new_zeros(shape)
    larger[tuple(slice(size) for size in weight.shape)] = weight.detach()
    return larger

"""Residual blocks in painting: each row's numbers the same, bit for bit, whatever other rows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from pixelgen_torch.products import Product, blocks, pad_to, padded


def residual_shapes(name: str, layers: int, width: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the weights' shapes of `layers` blocks called `name` and of the last norm."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(layers):
        block = f"{name}.{layer}"
        shapes |= {f"{block}.norm.weight": (width,), f"{block}.norm.bias": (width,)}
        shapes |= {f"{block}.up.weight": (hidden, width), f"{block}.up.bias": (hidden,)}
        shapes |= {f"{block}.back.weight": (width, hidden), f"{block}.back.bias": (width,)}
    return shapes | {f"{name}.norm.weight": (width,), f"{name}.norm.bias": (width,)}


class Norm:
    """Layer normalisation of the first E of E' columns."""

    def __init__(self, weights: Mapping[str, Tensor], name: str) -> None:
        self._weight, self._bias = (
            weights[f"{name}.norm.{part}"].detach().clone() for part in ("weight", "bias")
        )

    def __call__(self, x: Tensor) -> Tensor:
        """Return (M, E) of (M, E')."""
        shape = self._weight.shape
        return functional.layer_norm(x[:, : shape[0]], shape, self._weight, self._bias)

    def padded(self, x: Tensor) -> Tensor:
        """Return (M, E') of (M, E'), with zeros behind."""
        return functional.pad(self(x), (0, x.shape[1] - len(self._weight)))


class Residual:
    """x + back γ(up norm x)."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> None:
        self._norm = Norm(weights, name)
        up, back = weights[f"{name}.up.weight"], weights[f"{name}.back.weight"]
        back = pad_to(back, len(back), padded(len(up)))
        self._up = Product(up, weights[f"{name}.up.bias"], dtype)
        self._back = Product(back, weights[f"{name}.back.bias"], dtype)

    def __call__(self, x: Tensor) -> Tensor:
        """Return (M, E') of (M, E')."""
        inside = self._up(self._norm(x))
        for part in blocks(inside):
            torch.ops.aten.gelu_(inside[part], approximate="tanh")
        return x + self._back(inside)

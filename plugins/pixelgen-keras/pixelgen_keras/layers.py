"""The input's layers that Keras has not: products in a chosen precision, neighbours' colours."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from pixelgen.models.canonical.colours import colour_table
from pixelgen.models.interface import ModelSpec
from pixelgen_keras.engines.interface import Tensor


class Product(keras.layers.Dense):
    """A dense layer whose product is done in the dtype of what it is given."""

    def __init__(self, into: int, out: int, name: str) -> None:
        super().__init__(out, kernel_initializer="zeros", autocast=False, name=name)
        self.build((None, into))

    def call(self, inputs: Tensor, training: Any = None) -> Tensor:
        """Return (N, out) of (N, in)."""
        kernel, bias = (
            ops.cast(variable.value, inputs.dtype) for variable in (self.kernel, self.bias)
        )
        return ops.add(ops.matmul(inputs, kernel), bias)


class NeighbourColours(keras.layers.Layer):
    """The colours of a context's tokens, and which of them are outside the canvas."""

    def __init__(self, spec: ModelSpec, name: str) -> None:
        super().__init__(autocast=False, name=name)
        self._table = colour_table(spec)  # (V + 1, C + 1)
        self.width = spec.context_size * self._table.shape[1]
        self.built = True

    def call(self, context: Tensor) -> Tensor:
        """Return (N, n (C + 1)) float32 of (N, n) int32 in [0, V]."""
        colours = ops.take(ops.convert_to_tensor(self._table), context, axis=0)
        return ops.reshape(colours, (-1, self.width))


def gelu(x: Tensor) -> Tensor:
    """GELU in its tanh form."""
    return ops.gelu(x, approximate=True)

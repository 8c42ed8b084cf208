"""From an LSTM's output to logits: one linear layer, or the palette-aware softmax's products.

Both are products with one vector a token, plus one bias a token. The vectors are asked for
separately, since painting needs them at every step and they change only in training.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from pixelgen.models.canonical.colours import colour_table, colour_waves
from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.canonical.parameters import tied_columns, tied_heads
from pixelgen.models.interface import ModelSpec
from pixelgen_keras.engines.interface import Tensor
from pixelgen_keras.layers import Product, gelu


class PlainOutput(keras.layers.Layer):
    """A linear layer."""

    def __init__(self, spec: ModelSpec, hidden: int, name: str = "output") -> None:
        super().__init__(autocast=False, name=name)
        self.weight = self.add_weight(
            shape=(spec.vocab_size, hidden), initializer="zeros", name="weight"
        )
        self.bias = self.add_weight(shape=(spec.vocab_size,), initializer="zeros", name="bias")
        self.built = True

    def vectors(self) -> Tensor:
        """Return the tokens' vectors (V, H) float32."""
        return self.weight.value

    def call(self, h: Tensor, vectors: Tensor, context: Tensor) -> Tensor:
        """Return logits (N, V) float32 of outputs (N, H), with products in their dtype."""
        return _products(h, vectors, self.bias)


class PaletteOutput(keras.layers.Layer):
    """A projection, and a vector a token: a free one, and one that tokens of like colour share.

    The tied neighbours' vectors are added to what is projected, each head with its own weights.
    """

    def __init__(self, spec: ModelSpec, options: CanonicalOptions, name: str = "output") -> None:
        super().__init__(autocast=False, name=name)
        size = options.projection
        self._columns, self._heads = tied_columns(spec, options), tied_heads(options)  # (J,), G
        self.project = Product(options.hidden, size, "project")
        self.tied: Product | None = None
        if len(self._columns):
            self.tied = Product(options.hidden, self._heads * len(self._columns), "tied")
        self.free = self.add_weight(shape=(spec.vocab_size, size), initializer="zeros", name="free")
        self.bias = self.add_weight(shape=(spec.vocab_size,), initializer="zeros", name="bias")
        self.colour: list[Product] = []
        if spec.palette is not None:
            self._waves = colour_waves(colour_table(spec)[:-1, :-1])  # (V, 8C)
            self.colour = [
                Product(self._waves.shape[1], size, "colour_0"),
                Product(size, size, "colour_1"),
            ]
        self.built = True

    def vectors(self) -> Tensor:
        """Return the tokens' vectors (V, Z) float32."""
        vectors = self.free.value
        if self.colour:
            first, second = self.colour
            vectors = ops.add(vectors, second(gelu(first(ops.convert_to_tensor(self._waves)))))
            vectors = ops.subtract(vectors, ops.mean(vectors, axis=0))
        return vectors

    def call(self, h: Tensor, vectors: Tensor, context: Tensor) -> Tensor:
        """Return logits (N, V) float32, with products in the dtype of `h`.

        Args:
            h: (N, H).
            vectors: (V, Z) float32.
            context: (N, n) int32 in [0, V].
        """
        z = self.project(h)  # (N, Z)
        if self.tied is not None:
            count, heads = len(self._columns), self._heads
            weights = ops.cast(self.tied(h), "float32")
            weights = ops.transpose(ops.reshape(weights, (-1, heads, count)), (0, 2, 1))
            tokens = ops.take(context, self._columns, axis=1)  # (N, J)
            taken = ops.take(ops.pad(vectors, ((0, 1), (0, 0))), tokens, axis=0)
            taken = ops.reshape(taken, (-1, count, heads, z.shape[1] // heads))  # (N, J, G, Z / G)
            added = ops.sum(ops.multiply(taken, ops.expand_dims(weights, 3)), axis=1)
            z = ops.add(z, ops.cast(ops.reshape(added, (-1, z.shape[1])), z.dtype))
        return _products(z, vectors, self.bias)


def _products(z: Tensor, vectors: Tensor, bias: Any) -> Tensor:
    products = ops.matmul(z, ops.transpose(ops.cast(vectors, z.dtype)))
    return ops.add(ops.cast(products, "float32"), bias.value)

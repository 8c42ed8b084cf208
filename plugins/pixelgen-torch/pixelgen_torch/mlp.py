"""`torch-mlp`: no recurrence at all, a residual network over a position's causal neighbours.

With x (E,) of the input layer (`network.py`), for each of L blocks:

    x = x + back γ(up norm x)               up: E → H, back: H → E

and h = norm x goes to the output layer. A position depends on its neighbours alone, so sequences
may be cut anywhere, and a wave of painting waits for nothing but the context.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

import pixelgen
from pixelgen.data.segments import Batch, Segments
from pixelgen.models.canonical.options import ENDS
from pixelgen_torch.decoder import NetworkDecoder
from pixelgen_torch.dropout import Dropout, dropped
from pixelgen_torch.model import SequenceNetwork, TorchModel
from pixelgen_torch.network import gelu
from pixelgen_torch.options import TorchOptions
from pixelgen_torch.residual import Norm, Residual, residual_shapes


class MLPOptions(TorchOptions):
    """Options of `torch-mlp`."""

    family: ClassVar[str] = "residual-mlp"
    shaping: ClassVar[tuple[str, ...]] = ("layers", "hidden", *ENDS)

    layers: int = Field(2, ge=1, le=64, description="residual blocks, one after another")
    hidden: int = Field(512, ge=1, le=8192, description="width inside each block")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of each block's inside dropped in training"
    )

    @property
    def width(self) -> int:
        """How many numbers the output layer reads."""
        return self.embedding

    def middle_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the blocks' weights, by name."""
        return residual_shapes("block", self.layers, self.embedding, self.hidden)

    def segments(self) -> Segments:
        """Return how sequences are to be cut."""
        return Segments(
            memory="none",
            context=self.context,
            batch=self.batch,
            positions=self.elsewhere,
            scan=self.scan,
        )


class MLPNetwork(SequenceNetwork):
    """Residual blocks between the input and the output layer."""

    options: MLPOptions

    def read(
        self, batch: Batch, carried: None, dtype: torch.dtype, dropout: Dropout | None
    ) -> tuple[Tensor, None]:
        """Return the outputs h (TB, E), time first; nothing is carried."""
        x = self.embed(batch, dtype).float()  # (T, B, E); the sum is kept in float32
        for layer in range(self.options.layers):
            inside = gelu(
                self._linear(f"block.{layer}.up", self._normed(f"block.{layer}", x, dtype))
            )
            inside = dropped(inside, self.options.dropout, dropout, batch_axis=1)
            x = x + self._linear(f"block.{layer}.back", inside)
        return self._normed("block", x, dtype).flatten(0, 1), None


class TorchMLP(TorchModel):
    """A residual network over a position's causal neighbours."""

    Options: ClassVar[type[pixelgen.Options]] = MLPOptions
    Net: ClassVar[type[SequenceNetwork]] = MLPNetwork
    family: ClassVar[str | None] = MLPOptions.family

    network: MLPNetwork

    def decoder(self, slots: int) -> MLPDecoder:
        """Return a decoder; it has no state, whatever the slots."""
        return MLPDecoder(self.network, slots)


class MLPDecoder(NetworkDecoder):
    """Paints, at any number of positions at once."""

    def __init__(self, network: MLPNetwork, slots: int) -> None:
        super().__init__(network, slots)
        weights = network.weights()
        layers = range(network.options.layers)
        self._blocks = [Residual(weights, f"block.{layer}", self._dtype) for layer in layers]
        self._norm = Norm(weights, "block")

    def between(self, x: Tensor, slots: Tensor, keep: Tensor | None) -> Tensor:
        """Return h (M', E') of x (M', E')."""
        for block in self._blocks:
            x = block(x)
        return self._norm.padded(x)

"""How PyTorch computes, and the options of `torch-lstm`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pixelgen.models.canonical.options import CanonicalOptions, NeighbourOptions


class TorchOptions(NeighbourOptions):
    """What every model of this plugin takes."""

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the products in training; auto: bfloat16 where it is fast"
    )
    painting: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of the products in painting; bfloat16 is faster where the processor has units "
        "for it, and a seed's pictures are then not those of other backends; a processor without "
        "such numbers takes float32",
    )


class LSTMOptions(CanonicalOptions, TorchOptions):
    """Options of `torch-lstm`: the family's, and how PyTorch computes."""

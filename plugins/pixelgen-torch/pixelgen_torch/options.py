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


class LSTMOptions(CanonicalOptions, TorchOptions):
    """Options of `torch-lstm`: the family's, and how PyTorch computes."""

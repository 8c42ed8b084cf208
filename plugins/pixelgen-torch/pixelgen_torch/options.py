"""Options of `torch-lstm`: the family's, and how PyTorch computes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pixelgen.models.canonical.options import CanonicalOptions


class LSTMOptions(CanonicalOptions):
    """Options of `torch-lstm`."""

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the products in training; auto: bfloat16 where it is fast"
    )

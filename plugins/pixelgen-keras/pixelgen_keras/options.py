"""The options of `keras-lstm`: the canonical LSTM's, and two of its own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pixelgen.models.canonical.options import CanonicalOptions

Backend = Literal["auto", "tensorflow", "torch", "jax"]


class KerasOptions(CanonicalOptions):
    """Options of `keras-lstm`."""

    backend: Backend = Field(
        "auto",
        description="Keras's engine; auto: the one that Keras is set to, else tensorflow, torch or "
        "jax, whichever is installed first",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the products in training; auto: bfloat16 where it is fast"
    )

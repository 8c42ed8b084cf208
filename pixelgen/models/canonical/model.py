"""What models of every backend have in common: their options say how they learn."""

from __future__ import annotations

from typing import Any

from pixelgen.data.segments import Segments
from pixelgen.models.interface import Model


class NeighbourModel(Model):
    """A model whose `Options` are `NeighbourOptions`."""

    @classmethod
    def segments(cls, options: Any) -> Segments:
        """Return how a model with these options wants its sequences cut."""
        segments: Segments = options.segments()
        return segments

    @classmethod
    def settle(cls, options: Any, tokens: int) -> Any:
        """Return the options with all decided that they leave to the pictures."""
        return options.settled(tokens)

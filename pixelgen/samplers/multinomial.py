"""Draws from all tokens."""

from __future__ import annotations

from typing import Any

from pixelgen.samplers.interface import Sampler, SamplerOptions
from pixelgen.samplers.softmax import softmax


class Multinomial(Sampler):
    """The model's own distribution at a temperature.

    A temperature of 1 is what the model has learned; below it the probable tokens gain, above it
    the improbable ones do. It is what the article calls diversity.
    """

    class Options(SamplerOptions):
        """The temperature, and nothing else."""

    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return the softmax of the logits, (M, V)."""
        return softmax(logits, self.options.temperature, xp)

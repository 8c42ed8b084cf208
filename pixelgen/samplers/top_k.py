"""Draws from the k most probable tokens."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pixelgen.samplers.highest import highest
from pixelgen.samplers.interface import Sampler, SamplerOptions
from pixelgen.samplers.softmax import restrict, softmax


class TopK(Sampler):
    """The k most probable tokens, all others cut off (Fan et al. 2018, arXiv:1805.04833).

    Exactly k tokens stay in play, or all where there are no more than k; of equally probable ones
    at the edge, those with the lowest ids.
    """

    class Options(SamplerOptions):
        """How many tokens stay in play."""

        k: int = Field(50, ge=1, description="how many of the most probable tokens to draw from")

    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return the k highest probabilities of each row, made to sum to one, (M, V)."""
        probabilities = softmax(logits, self.options.temperature, xp)
        k = self.options.k
        if k >= logits.shape[-1]:
            return probabilities
        # Logits, because probabilities may be equal where logits were not: tiny ones are all zero.
        ranked = xp.sort(logits, axis=-1, descending=True, stable=False)
        least = ranked[:, k - 1 : k]  # (M, 1)
        return restrict(probabilities, highest(logits, least, k, xp), xp)

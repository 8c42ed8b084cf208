"""Draws from the fewest tokens that hold a given probability."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pixelgen.samplers.highest import count_for_mass, highest
from pixelgen.samplers.interface import Sampler, SamplerOptions
from pixelgen.samplers.softmax import restrict, softmax


class TopP(Sampler):
    """Nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751).

    The most probable tokens are kept until their probabilities, after the temperature, add up to
    at least p; of equally probable ones at the edge, those with the lowest ids.
    """

    class Options(SamplerOptions):
        """How much probability stays in play."""

        p: float = Field(
            0.95, gt=0, le=1, description="the probability that the tokens kept hold together"
        )

    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return the probabilities of each row's nucleus, made to sum to one, (M, V)."""
        probabilities = softmax(logits, self.options.temperature, xp)
        if self.options.p >= 1:
            return probabilities
        ranked = xp.sort(probabilities, axis=-1, descending=True, stable=False)
        count = count_for_mass(ranked, self.options.p, xp)  # (M, 1)
        least = xp.take_along_axis(ranked, count - 1, axis=-1)
        return restrict(probabilities, highest(probabilities, least, count, xp), xp)

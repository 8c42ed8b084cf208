"""Draws from the tokens that are about as surprising as the model expects."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pixelgen.samplers.highest import count_for_mass, highest
from pixelgen.samplers.interface import Sampler, SamplerOptions
from pixelgen.samplers.softmax import restrict, softmax


class Typical(Sampler):
    """Locally typical sampling (Meister et al. 2022, arXiv:2202.00666).

    A token's surprise is −ln of its probability after the temperature, and the expected surprise
    is the row's entropy. The tokens whose surprise is nearest to the entropy are kept until they
    hold the given mass; of equally near ones at the edge, those with the lowest ids. The most
    probable token may be among those that go.
    """

    class Options(SamplerOptions):
        """How much probability stays in play."""

        mass: float = Field(
            0.95, gt=0, le=1, description="the probability that the tokens kept hold together"
        )

    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return the probabilities of each row's typical tokens, made to sum to one, (M, V)."""
        probabilities = softmax(logits, self.options.temperature, xp)
        if self.options.mass >= 1:
            return probabilities
        possible = probabilities > 0
        surprise = -xp.log(xp.where(possible, probabilities, xp.ones_like(probabilities)))
        entropy = xp.sum(probabilities * surprise, axis=-1, keepdims=True)  # (M, 1)
        typicality = xp.where(
            possible, -xp.abs(surprise - entropy), xp.full_like(surprise, -xp.inf)
        )
        order = xp.argsort(typicality, axis=-1, descending=True, stable=True)
        ranked = xp.take_along_axis(probabilities, order, axis=-1)
        count = count_for_mass(ranked, self.options.mass, xp)  # (M, 1)
        last = xp.take_along_axis(order, count - 1, axis=-1)
        least = xp.take_along_axis(typicality, last, axis=-1)
        return restrict(probabilities, highest(typicality, least, count, xp), xp)

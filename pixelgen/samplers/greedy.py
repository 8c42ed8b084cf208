"""Takes the most probable token."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pixelgen.samplers.highest import highest
from pixelgen.samplers.interface import Sampler, SamplerOptions


class Greedy(Sampler):
    """All probability to the highest logit; of equal ones, to the one with the lowest id."""

    class Options(SamplerOptions):
        """Nothing to choose: a temperature is taken, as by every sampler, and changes nothing."""

        temperature: float = Field(
            1.0, gt=0, le=100, description="has no effect: the best token stays the best"
        )

    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return a one for each row's best token and zeros for the rest, (M, V)."""
        best = highest(logits, xp.max(logits, axis=-1, keepdims=True), 1, xp)
        return xp.astype(best, logits.dtype)

"""Draws from the tokens that are not much less probable than the best."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pixelgen.samplers.interface import Sampler, SamplerOptions
from pixelgen.samplers.softmax import restrict, softmax


class MinP(Sampler):
    """Min-p sampling (Nguyen et al. 2024, arXiv:2407.01082).

    A token is kept if its probability, after the temperature, is at least a share of the most
    probable token's: few tokens where the model is sure, many where it is not.
    """

    class Options(SamplerOptions):
        """How probable a token must be, against the best."""

        share: float = Field(
            0.05, ge=0, le=1, description="the least share of the best token's probability"
        )

    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return the probabilities that reach the share, made to sum to one, (M, V)."""
        probabilities = softmax(logits, self.options.temperature, xp)
        best = xp.max(probabilities, axis=-1, keepdims=True)  # (M, 1)
        return restrict(probabilities, probabilities >= best * self.options.share, xp)

from typing import Any

import pixelgen
from pixelgen.samplers.softmax import restrict, softmax
from pydantic import Field


class Epsilon(pixelgen.Sampler):
    """Draws from tokens of at least probability epsilon, and always from the best."""

    class Options(pixelgen.SamplerOptions):
        epsilon: float = Field(0.003, ge=0, lt=1, description="the least probability kept")

    def probabilities(self, logits: Any, xp: Any) -> Any:
        known = softmax(logits, self.options.temperature, xp)
        best = xp.max(known, axis=-1, keepdims=True)
        return restrict(known, (known >= self.options.epsilon) | (known == best), xp)

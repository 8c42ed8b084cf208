"""What a sampler is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import Field

from pixelgen.options import Options


class SamplerOptions(Options):
    """What every sampler of the core takes."""

    temperature: float = Field(
        1.0,
        gt=0,
        le=100,
        description="logits are divided by this; the article's «diversity»: lower is tamer",
    )


class Sampler(ABC):
    """A pure function from logits to the probabilities that are drawn from.

    It is written against the array API: `xp` is the array namespace of `logits` (NumPy, PyTorch,
    CuPy, JAX through `array_api_compat`), so the same code runs on all of them. It sees neither
    the picture nor the past: a penalty for repetition belongs in a model's `Decoder.step`.
    """

    Options: ClassVar[type[SamplerOptions]] = SamplerOptions

    def __init__(self, options: Any) -> None:
        self.options: Any = options

    @abstractmethod
    def probabilities(self, logits: Any, xp: Any) -> Any:
        """Return the probabilities to draw from.

        Args:
            logits: (M, V) real-valued array of unnormalised log-probabilities, one row a draw.
            xp: the array namespace of `logits`.

        Returns:
            (M, V) array of the same type; every row is non-negative and sums to one. A token with
            probability zero is never drawn.
        """
